"""The other side played by hand: a server for a client's session, clients for a server's hub."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from mbot_nb.protocol.client import ClientSession
from mbot_nb.protocol.client.events import Acknowledged, ClientEvent, Settled
from mbot_nb.protocol.client.outbox import OutgoingCommand
from mbot_nb.protocol.loss import Loss, LossKind
from mbot_nb.protocol.server import Hub, ServerConnection
from mbot_nb.protocol.server.sessions import ServerSession, SessionQuery
from mbot_nb.protocol.settings import Settings

RESET = Loss(LossKind.RESET, "the connection broke")


def text(kind: str, payload: Any = None, **envelope: Any) -> str:
    """One message as it stands in a frame."""
    fields = {
        "version": 2,
        "type": kind,
        "payload": {} if payload is None else payload,
        "timestamp": 0,
        **envelope,
    }
    return json.dumps({name: value for name, value in fields.items() if value is not ...})


def batched(*messages: str) -> str:
    payload = f'{{"messages":[{",".join(messages)}]}}'
    return f'{{"version":2,"type":"batch","payload":{payload},"timestamp":0}}'


def command(
    name: str, sequence: int | None = None, *, params: dict[str, Any] | None = None, **more: Any
) -> str:
    """A client's command."""
    payload = {"command": name, "params": params or {}, **more}
    return text("command", payload, **({} if sequence is None else {"sequence": sequence}))


def sent(connection: ServerConnection, now: float) -> Iterator[bytes]:
    """The frames that go out, portion by portion, while there is room."""
    outgoing = connection.outgoing
    while outgoing.frames:
        frames, outgoing.frames = outgoing.frames, []
        yield from frames
        if outgoing.waiting and outgoing.writable:
            outgoing.pump(now)


def read(frames: list[bytes]) -> list[dict[str, Any]]:
    """The messages of frames, batches taken apart."""
    messages: list[dict[str, Any]] = []
    for frame in frames:
        value = json.loads(frame)
        messages += value["payload"]["messages"] if value["type"] == "batch" else [value]
    return messages


class Client:
    """A client's session whose server is played by hand."""

    def __init__(
        self,
        *,
        extended: bool = True,
        token: str | None = None,
        persistent: bool = True,
        **settings: Any,
    ) -> None:
        self.now = 100.0
        self.extended = extended
        self.session = ClientSession(
            Settings(**settings),
            "s" * 32,
            wall=lambda now: int(now * 1000),
            random_source=lambda: 0.0,
            token=token,
            persistent=persistent,
        )
        self.told: list[ClientEvent] = []

    def connect(self, **snapshot: Any) -> list[dict[str, Any]]:
        """A connection is made and the snapshot comes; returns what the client sends then."""
        self.dial()
        self.open()
        return self.greet(**snapshot)

    def dial(self) -> None:
        self.session.query()
        self.session.dial(self.now)

    def open(self) -> list[dict[str, Any]]:
        self.session.on_open(self.extended, self.now)
        return self.sent()

    def greet(self, **snapshot: Any) -> list[dict[str, Any]]:
        base: dict[str, Any] = {"snapshot": True, "revision": 1}
        if self.extended:
            base |= {
                "epoch": "e1",
                "reconnected": False,
                "lastSequence": 0,
                "firstSequence": 1,
                "skipped": [],
            }
        return self.hear("state", {**base, **snapshot})

    def resume(
        self, *, cursor: int, oldest: int = 1, skipped: Any = (), **snapshot: Any
    ) -> list[dict[str, Any]]:
        """The same server again, on a new connection."""
        self.session.timeout(self.now)
        self.open()
        return self.greet(
            reconnected=True, lastSequence=cursor, firstSequence=oldest, skipped=skipped, **snapshot
        )

    def hear(self, kind: str, payload: Any = None, **envelope: Any) -> list[dict[str, Any]]:
        """One message comes; returns what the client sends then."""
        return self.hear_text(text(kind, payload, **envelope))

    def hear_text(self, frame: str) -> list[dict[str, Any]]:
        self.session.receive(frame, self.now)
        return self.sent()

    def lose(self, loss: Loss = RESET) -> None:
        self.session.on_lost(loss, self.now)

    def wait(self, seconds: float) -> list[dict[str, Any]]:
        """Time passes; timers are served when they are due."""
        end = self.now + seconds
        while (due := self.session.next_deadline()) is not None and due <= end:
            self.now = max(self.now, due)
            self.session.timeout(self.now)
            following = self.session.next_deadline()
            assert following is None or following > self.now
        self.now = end
        return self.sent()

    def call(
        self, name: str, *, reply: bool = False, timeout: float | None = None, **params: Any
    ) -> OutgoingCommand:
        return self.session.command(name, params, self.now, reply=reply, timeout=timeout)

    def sent(self) -> list[dict[str, Any]]:
        return read(self.session.take_frames())

    def events(self, kind: type | None = None) -> list[Any]:
        """What was told since the last time, of one kind if one is named."""
        events = self.session.take_events()
        self.told += events
        return [event for event in events if kind is None or isinstance(event, kind)]

    def settled(self) -> list[tuple[str, str | None]]:
        """Names and outcomes of what was settled since the last time."""
        found: list[tuple[str, str | None]] = []
        for event in self.events():
            if isinstance(event, Settled):
                found.append((event.command.name, event.command.outcome))
            elif isinstance(event, Acknowledged):
                found += [(command.name, command.outcome) for command in event.commands]
        return found


class Desk:
    """A server's hub whose clients are played by hand. It runs nothing: tests take the commands and
    answer."""

    def __init__(self, *, token: str | None = None, **settings: Any) -> None:
        self.now = 100.0
        self.state: dict[str, Any] = {"a": {"x": 0}}
        self.epochs = 0
        self.takeovers: list[ServerSession] = []
        self.hub = Hub(
            Settings(**settings),
            read_state=lambda: self.state,
            wall=lambda now: int(now * 1000),
            new_id=self._new_id,
            metadata={"robotId": "r", "version": "9"},
            now=self.now - 5,
            token=token,
            on_takeover=self.takeovers.append,
        )

    def _new_id(self) -> str:
        self.epochs += 1
        return f"e{self.epochs}"

    def connect(
        self,
        *,
        extended: bool = True,
        id: str | None = "i" * 32,
        epoch: str = "",
        last: int = 0,
        attempt: int = 1,
        token: str | None = None,
        limited: bool = False,
    ) -> Peer:
        query = SessionQuery(id, epoch, last, attempt) if id is not None else None
        connection = ServerConnection(
            self.hub, self.now, extended=extended, query=query, token=token, limited=limited
        )
        return Peer(self, connection)

    def set(self, **values: Any) -> None:
        self.state = {**self.state, "a": {**self.state["a"], **values}}
        self.hub.refresh(self.now)

    def wait(self, seconds: float, *peers: Peer) -> None:
        """Time passes; the peers' timers are served when they are due."""
        end = self.now + seconds
        while True:
            due = [
                (time, peer)
                for peer in peers
                if (time := peer.connection.next_deadline()) is not None and time <= end
            ]
            if not due:
                break
            time, peer = min(due, key=lambda pair: pair[0])
            self.now = max(self.now, time)
            peer.connection.timeout(self.now)
            following = peer.connection.next_deadline()
            assert following is None or following > self.now
        self.now = end


class Peer:
    """One connection of a client that is played by hand."""

    def __init__(self, desk: Desk, connection: ServerConnection) -> None:
        self.desk = desk
        self.connection = connection

    @property
    def session(self) -> ServerSession:
        assert self.connection.session is not None
        return self.connection.session

    def say(self, frame: str) -> list[dict[str, Any]]:
        """Send a frame; returns what comes back at once."""
        self.connection.receive(frame, self.desk.now)
        return self.got()

    def got(self) -> list[dict[str, Any]]:
        return read(list(sent(self.connection, self.desk.now)))

    def ran(self) -> list[str]:
        """Names of the commands to run since the last time; motion that must not begin as
        `-name CODE`."""
        commands, self.connection.commands = self.connection.commands, []
        names = []
        for received in commands:
            objection = self.desk.hub.objection(self.session, received, self.desk.now)
            name = received.message.payload.command
            names.append(name if objection is None else f"-{name} {objection[0]}")
        return names

    def urgent(self) -> list[str]:
        urgent, self.connection.urgent = self.connection.urgent, []
        return [message.payload.command for message in urgent]

    def cut(self, *, clean: bool = False) -> bool:
        return self.connection.on_closed(self.desk.now, clean=clean)
