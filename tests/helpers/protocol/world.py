"""A client, a server and a robot on a wire that exists only here, in a time that passes when it is
told to.

The two protocol cores talk through queues that delay frames, and lose them at cuts, as a TCP
connection does: what arrives is a prefix of what was sent. Everything that happens is noted, for
tests to judge.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from mbot_nb.commands import MOTIONS
from mbot_nb.protocol.client import ClientSession, ClientState
from mbot_nb.protocol.client.events import Acknowledged, ClientEvent, Dial, Drop, Settled
from mbot_nb.protocol.client.outbox import OutgoingCommand
from mbot_nb.protocol.loss import Loss, LossKind
from mbot_nb.protocol.messages import CommandMessage
from mbot_nb.protocol.server import Hub, ServerConnection, encode_event
from mbot_nb.protocol.server.sessions import (
    ReceivedCommand,
    ServerSession,
    SessionQuery,
    SessionState,
)
from mbot_nb.protocol.settings import Settings

from .cable import ROOM, Cable, Robot
from .counterparts import sent


class World:
    """The whole of it. Times are seconds of the one clock; the server's starts elsewhere."""

    SERVER_CLOCK = 5000.0

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        extended: bool = True,
        token: str | None = None,
        limited: bool = False,
    ) -> None:
        self.settings = settings or Settings()
        self.extended = extended
        self.token = token
        self.limited = limited
        self.now = 1000.0
        self.delay = 0.01
        self.reachable = self.reading = True
        self.client = ClientSession(
            self.settings,
            "c" * 32,
            wall=lambda now: int(now * 1000),
            random_source=lambda: 0.0,
            token=token,
            persistent=True,
        )
        self.robot = Robot()
        self.cable: Cable | None = None
        self.ghosts: list[Cable] = []
        """Connections that the client has lost and the server has not."""
        self.dial_at: float | None = None
        self.calls: list[OutgoingCommand] = []
        self.numbers: dict[int, OutgoingCommand] = {}
        self.stops: dict[str, int] = {}
        """How many calls had been made when each urgent one was."""
        self.bounds: dict[int, float | None] = {}
        """How well the client knew the server's clock when it sent each motion; None if it did not
        know it."""
        self.told: list[ClientEvent] = []
        self.executed: list[tuple[str, int, float]] = []
        """Commands that ran: name, our number for them, time."""
        self.ran_in: dict[ServerSession, list[int]] = {}
        """The same by the session that ran them: our numbers."""
        self.halts: list[tuple[str, float]] = []
        self.motions_over: list[tuple[int, str]] = []
        self.epochs = self.takeovers = 0
        self.unacknowledged_since: float | None = None
        self.busy: dict[ServerSession, tuple[float, CommandMessage]] = {}
        """Sessions whose handler is still at work, and until when."""
        self.died_waiting: set[int] = set()
        """Commands that a server had received, and was ended before their turn came."""
        self.refused: set[int] = set()
        self.hub = self._new_hub()

    # The server's life.

    def _new_hub(self) -> Hub:
        def new_id() -> str:
            self.epochs += 1
            return f"epoch-{self.epochs}"

        return Hub(
            self.settings,
            read_state=lambda: self.robot.values,
            wall=lambda now: int(now * 1000),
            new_id=new_id,
            metadata={"robotId": "r", "version": "1"},
            now=self.server_now,
            token=self.token,
            on_takeover=self._taken_over,
        )

    @property
    def server_now(self) -> float:
        return self.now + self.SERVER_CLOCK

    def restart_server(self) -> None:
        """It forgets everybody; its robot starts afresh, too."""
        if self.cable is not None:
            self.cut(up=0, down=0)
        self.ghosts.clear()
        for session in self.busy:
            self.died_waiting |= {
                received.message.payload.params.get("n", -1) for received in session.backlog
            }
        self.busy.clear()
        self.robot = Robot()
        self.hub = self._new_hub()

    def change(self) -> None:
        self.robot.values = {
            **self.robot.values,
            "section": {"count": self.robot.values["section"]["count"] + 1},
        }
        self.hub.refresh(self.server_now)
        self.settle()

    def emit(self, data: Any) -> None:
        self.hub.emit("news", data, self.server_now)
        self.settle()

    def telemetry(self, data: dict[str, Any]) -> None:
        self.hub.telemetry(encode_event("telemetry", data), self.server_now)
        self.settle()

    # The client's calls.

    def send(
        self, name: str, *, reply: bool = False, timeout: float | None = None, **params: Any
    ) -> OutgoingCommand:
        number = len(self.calls)
        command = self.client.command(
            name, {"n": number, **params}, self.now, reply=reply, timeout=timeout
        )
        self.calls.append(command)
        self.numbers[number] = command
        if command.id is not None:
            self.stops[command.id] = number
        self.settle()
        return command

    # Time and the wire.

    def run(self, seconds: float) -> None:
        """Let time pass, with every timer and every frame served when it is due."""
        end = self.now + seconds
        while (due := self._next()) is not None and due <= end:
            self.now = max(self.now, due)
            self._serve()
        self.now = end
        self._serve()

    def stall(self, seconds: float) -> None:
        """Both loops are blocked: time passes and nobody looks; then what has arrived is read
        before timers fire."""
        self.now += seconds
        self._serve()

    def connect(self) -> None:
        self.client.dial(self.now)
        self.settle()
        self.run(1.0)

    def reconnect(self) -> None:
        if self.client.state not in (ClientState.WAITING, ClientState.FAILED, ClientState.IDLE):
            self.lose(Loss(LossKind.CLOSED, "a new connection was asked for"), server_notices=True)
        self.client.dial(self.now)
        self.settle()

    def cut(self, *, up: int, down: int, server_notices: bool = True) -> None:
        """The connection breaks: only the first frames of each direction still arrive."""
        cable = self.cable
        if cable is None:
            return
        for _ in range(min(up, len(cable.up))):
            self._to_server(cable, cable.up.popleft()[1])
        for _ in range(min(down, len(cable.down))):
            if cable is self.cable and cable.client_open:
                self._to_client(cable.down.popleft()[1])
        if cable is not self.cable:
            return  # what arrived has ended it already
        if server_notices or not self.extended:
            # Two connections of a baseline client have nothing to do with each other: nothing
            # orders them.
            cable.up.clear()
        self.lose(Loss(LossKind.RESET, "reset"), server_notices=server_notices)

    def lose(self, loss: Loss, *, server_notices: bool) -> None:
        """The client's end is gone; the server's, perhaps, not yet."""
        cable, self.cable = self.cable, None
        self.dial_at = None
        if cable is not None:
            if server_notices:
                self._server_lost(cable, clean=False)
            else:
                self.ghosts.append(cable)
        self.client.on_lost(loss, self.now)
        self.settle()

    def notice(self) -> None:
        """The server learns of the connections that are long gone, after what had still arrived of
        them."""
        ghosts, self.ghosts = self.ghosts, []
        for cable in ghosts:
            while cable.up:
                self._to_server(cable, cable.up.popleft()[1])
            self._server_lost(cable, clean=False)
        self.settle()

    def settle(self) -> None:
        """Hand over whatever either side has to say now, and check that nobody is told to look
        again at once."""
        while True:
            busy = False
            for cable in [*self.ghosts, *([self.cable] if self.cable is not None else [])]:
                busy |= self._pump_server(cable)
            busy |= self._pump_client()
            if not busy:
                break
        self._check_acknowledgement()

    # Inside: the client's shell.

    def _pump_client(self) -> bool:
        frames, events = self.client.take_frames(), self.client.take_events()
        cable = self.cable
        if frames:
            clock = self.client.clock
            bound = None if clock.latest(self.now) is None else clock.bound(self.now)
            for number, command in self.numbers.items():
                if command.motion and command.sent_at == self.now:
                    self.bounds[number] = bound
        if cable is not None and cable.client_open:
            cable.up.extend((self.now + self.delay, frame.decode()) for frame in frames)
        else:
            assert not frames, "a frame without a connection"
        for event in events:
            self.told.append(event)
            if isinstance(event, Dial):
                self.dial_at = self.now + self.delay
            elif isinstance(event, Drop):
                assert self.client.pending_close is not None
                self.lose(self.client.pending_close, server_notices=True)
        return bool(frames or events)

    def _dialled(self) -> None:
        self.dial_at = None
        if not self.reachable:
            self.client.on_lost(Loss(LossKind.REFUSED, "refused"), self.now)
            return
        query = SessionQuery.parse(self.client.query())
        connection = ServerConnection(
            self.hub,
            self.server_now,
            extended=self.extended,
            query=query,
            token=None,
            limited=self.limited,
        )
        cable = self.cable = Cable(connection)
        cable.client_open = True
        self.client.on_open(self.extended, self.now)
        self.settle()

    def _to_client(self, text: str) -> None:
        self.client.receive(text, self.now)
        self.settle()

    # Inside: the server's shell.

    def _to_server(self, cable: Cable, text: str) -> None:
        if cable.server_open:
            cable.server.receive(text, self.server_now)
            self._pump_server(cable)

    def _pump_server(self, cable: Cable) -> bool:
        connection = cable.server
        if not cable.server_open:
            return False
        busy = bool(connection.urgent or connection.commands or connection.outgoing.frames)
        while connection.urgent:
            self._urgent(connection, connection.urgent.pop(0))
        commands, connection.commands = connection.commands, []
        for received in commands:
            assert connection.session is not None
            self._execute(connection.session, received)
        cable.down.extend(
            (self.now + self.delay, frame.decode()) for frame in sent(connection, self.server_now)
        )
        waiting = sum(len(text) for _, text in cable.down)
        if waiting > ROOM and not cable.full:
            cable.full = True
            connection.outgoing.set_writable(False, self.server_now)
        elif waiting < ROOM // 2 and cable.full:
            cable.full = False
            connection.outgoing.set_writable(True, self.server_now)
            busy = True
        if connection.outgoing.close is not None and cable.server_open:
            busy = True
            code = connection.outgoing.close.code
            self._server_lost(cable, clean=False)
            if cable is self.cable:
                # The close comes behind what was sent before it.
                while cable.down and self.cable is cable:
                    self.client.receive(cable.down.popleft()[1], self.now)
                    self._pump_client()
                if self.cable is cable:
                    self.lose(
                        Loss(LossKind.CLOSED, connection.outgoing.close.reason, code),
                        server_notices=False,
                    )
            if cable in self.ghosts:
                self.ghosts.remove(cable)
        return busy

    def _server_lost(self, cable: Cable, *, clean: bool) -> None:
        if not cable.server_open:
            return
        cable.server_open = False
        session = cable.server.session
        if cable.server.on_closed(self.server_now, clean=clean) and session is not None:
            self._stop_mover(session)

    def _taken_over(self, session: ServerSession) -> None:
        self.takeovers += 1
        self._stop_mover(session)

    def _stop_mover(self, session: ServerSession) -> None:
        if self.robot.motion is not None and self.robot.motion[0] is session:
            self._end_motion("stopped")

    def _end_motion(self, how: str) -> None:
        motion, self.robot.motion = self.robot.motion, None
        if motion is not None:
            session, message, _ = motion
            self.motions_over.append((message.payload.params["n"], how))
            self.hub.answer(session, message, self.server_now, result={"ended": how})

    def _urgent(self, connection: ServerConnection, message: CommandMessage) -> None:
        session = connection.session
        assert session is not None
        name, now = message.payload.command, self.server_now
        self.halts.append((str(message.payload.id), self.now))
        result: dict[str, Any] = {}
        if name == "release_stop":
            if message.payload.params.get("latch") != self.robot.values["latch"]:
                self.hub.answer(
                    session, message, now, refusal=("STATE_CONFLICT", "another one", None)
                )
                return
            self.robot.values = {**self.robot.values, "latch": None}
        else:
            self._end_motion("stopped")
        if name == "emergency_stop":
            self.robot.latches += 1
            result["latch"] = f"latch-{self.robot.latches}"
            self.robot.values = {**self.robot.values, "latch": result["latch"]}
        self.hub.refresh(now)
        self.hub.answer(session, message, now, result=result)

    def _execute(self, session: ServerSession, received: ReceivedCommand) -> None:
        """One command, after those of the same session that are still at work."""
        if session in self.busy:
            session.backlog.append(received)
            return
        message, now = received.message, self.server_now
        name, number = message.payload.command, message.payload.params.get("n", -1)
        objection = self.hub.objection(session, received, now)
        if objection is None and name in MOTIONS and self.robot.values["latch"] is not None:
            objection = "STOPPED", "an emergency stop stands"
        if objection is not None:
            self.refused.add(number)
            self.hub.answer(session, message, now, refusal=(*objection, None))
            return
        self.executed.append((name, number, self.now))
        self.ran_in.setdefault(session, []).append(number)
        if name == "refuse":
            self.hub.answer(
                session, message, now, refusal=("UNSUPPORTED", "no", {"why": "not here"})
            )
        elif name == "slow":
            self.busy[session] = self.now + message.payload.params["seconds"], message
        elif name in MOTIONS:
            self._end_motion("replaced")
            self.robot.motion = (
                session,
                message,
                self.now + message.payload.params.get("duration", 1.0),
            )
        else:
            self.robot.values = {**self.robot.values, "section": {"count": number + 1000}}
            self.hub.refresh(now)
            self.hub.answer(session, message, now, result=number)

    def _handled(self, session: ServerSession) -> None:
        _, message = self.busy.pop(session)
        self.hub.answer(session, message, self.server_now)
        while session.backlog and session not in self.busy:
            self._execute(session, session.backlog.popleft())

    # Inside: time.

    def _deadlines(self) -> list[tuple[float | None, Callable[[], None]]]:
        found: list[tuple[float | None, Callable[[], None]]] = [
            (self.client.next_deadline(), lambda: self.client.timeout(self.now)),
            (self.dial_at, self._dialled),
        ]
        for cable in [*self.ghosts, *([self.cable] if self.cable is not None else [])]:
            if cable.server_open:
                deadline = cable.server.next_deadline()
                at = None if deadline is None else deadline - self.SERVER_CLOCK
                found.append((at, lambda cable=cable: cable.server.timeout(self.server_now)))  # type: ignore[misc]
        if self.robot.motion is not None:
            found.append((self.robot.motion[2], lambda: self._end_motion("time")))
        for session, (until, _) in self.busy.items():
            found.append((until, lambda session=session: self._handled(session)))  # type: ignore[misc]
        following = self.hub.sessions.next_deadline()
        if following is not None:
            found.append(
                (
                    following - self.SERVER_CLOCK,
                    lambda: self.hub.sessions.expire(self.server_now + 1e-9),
                )
            )
        return found

    def _next(self) -> float | None:
        times = [time for time, _ in self._deadlines() if time is not None]
        if self.cable is not None:
            times += [self.cable.up[0][0]] if self.cable.up else []
            times += (
                [self.cable.down[0][0]]
                if self.cable.down and self.reading and self.cable.client_open
                else []
            )
        return min(times, default=None)

    def _serve(self) -> None:
        """Read what has arrived, then serve the timers that are due: each must then name a later
        time, or none."""
        for _ in range(10_000):
            cable = self.cable
            if cable is not None and cable.up and cable.up[0][0] <= self.now:
                self._to_server(cable, cable.up.popleft()[1])
            elif (
                cable is not None
                and cable.client_open
                and self.reading
                and cable.down
                and cable.down[0][0] <= self.now
            ):
                self._to_client(cable.down.popleft()[1])
            else:
                due = [
                    act
                    for time, act in self._deadlines()
                    if time is not None and time <= self.now + 1e-9
                ]
                if not due:
                    self.settle()
                    return
                if any(
                    time is not None and self.now < time <= self.now + 1e-9
                    for time, _ in self._deadlines()
                ):
                    self.now += 2e-9
                due[0]()
            self.settle()
        raise AssertionError("a timer fires again and again, or frames go in a circle")

    def _check_acknowledgement(self) -> None:
        """Note since when something has waited for its acknowledgement."""
        cable = self.cable
        session = (
            cable.server.session
            if cable is not None and cable.server_open and self.extended
            else None
        )
        if (
            cable is None
            or session is None
            or session.orderer.cursor == cable.server.outgoing.acknowledged
        ):
            self.unacknowledged_since = None
        elif self.unacknowledged_since is None:
            self.unacknowledged_since = self.now

    # What was told.

    def of(self, kind: type) -> list[Any]:
        return [event for event in self.told if isinstance(event, kind)]

    def settled_times(self, command: OutgoingCommand) -> int:
        """How often its end was told."""
        settled = sum(event.command is command for event in self.of(Settled))
        return settled + sum(command in event.commands for event in self.of(Acknowledged))

    @property
    def session(self) -> ServerSession:
        assert self.cable is not None
        assert self.cable.server.session is not None
        return self.cable.server.session

    @property
    def connected(self) -> bool:
        return self.client.state is ClientState.CONNECTED

    def frames(self, text: str) -> list[dict[str, Any]]:
        """A frame's messages as plain data."""
        value = json.loads(text)
        messages: list[dict[str, Any]] = (
            value["payload"]["messages"] if value["type"] == "batch" else [value]
        )
        return messages


__all__ = ["Cable", "Robot", "SessionState", "World"]
