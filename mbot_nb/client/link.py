"""The link of a client: keeps its session connected, carries its frames, and wakes it at its
deadlines."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from ..address import with_query
from ..loops.deadline import DeadlineTimer
from ..loops.home import Home, log_failure
from ..protocol.client import ClientSession
from ..protocol.client.events import ClientEvent, Dial, Drop
from ..protocol.loss import CloseCode, Loss, LossKind
from ..transport.websocket import DialError, WebSocket, dial, wait_closed

if TYPE_CHECKING:
    import ssl as tls

__all__ = ["ClientLink", "FrameTap"]

OPEN_TIMEOUT = 1.6
"""Seconds for one attempt: a user gets the error within two."""

FrameTap = Callable[[float, Sequence[bytes] | str, Sequence[Any] | None], None]
"""Called with the time and the texts of frames that went out, and None; or with the time and the
text of one that came in, and the messages in it."""


class ClientLink:
    """Connects one session to its server, one WebSocket after the other; on the home loop.

    Args:
        home: the loop that it runs on.
        session: the session whose frames it carries.
        url: the server's address.
        ssl: for `wss://`; None for Python's default.
        on_event: called with every event of the session.
        after_events: called when all events of a turn have been passed on.
    """

    def __init__(
        self,
        home: Home,
        session: ClientSession,
        url: str,
        ssl: tls.SSLContext | None,
        on_event: Callable[[ClientEvent], None],
        after_events: Callable[[], None],
    ) -> None:
        self.home = home
        self.session = session
        self.now = home.clock
        self._url = url
        self._ssl = ssl
        self._on_event = on_event
        self._after_events = after_events
        self.on_frames: FrameTap | None = None
        """Called with the frames that go out, if set."""
        self._websocket: WebSocket | None = None
        self._closing: set[WebSocket] = set()
        self._dialling: asyncio.Task[Any] | None = None
        self._cut_until = float("-inf")
        self.timer = DeadlineTimer(home.loop, self._on_due)

    def pump(self) -> None:
        """Send the session's frames, pass on its events, and set the timer."""
        session = self.session
        while True:
            if self._websocket is not None:
                frames = session.take_frames()
                if frames:
                    self._websocket.send(frames)
                    if self.on_frames is not None:
                        self.on_frames(self.now(), frames, None)
            events = session.take_events()
            if not events:
                break
            for event in events:
                if type(event) is Dial:
                    self._dialling = self.home.spawn(self._dial(), "dial")
                elif type(event) is Drop and session.pending_close is not None:
                    self.disconnect(session.pending_close, event.code)
                self._on_event(event)
        self.arm()
        self._after_events()

    def flush(self) -> None:
        """Send what is queued, and ask for its acknowledgement, which rides on whatever comes back:
        a pong comes at once."""
        now = self.now()
        self.session.flush(now)
        self.session.ping(now)
        self.pump()

    def arm(self) -> None:
        """Set the timer to the session's next deadline."""
        self.timer.set(self.session.next_deadline())

    def connect(self) -> None:
        """Connect now, whatever there is or was."""
        loss = Loss(LossKind.CLOSED, "a new connection was asked for", CloseCode.GOING_AWAY)
        self._stop_dialling()
        self.disconnect(loss)
        self.session.on_lost(loss, self.now())
        self.session.dial(self.now())
        self.pump()

    def disconnect(self, loss: Loss, code: int = CloseCode.GOING_AWAY) -> None:
        """Give up the present connection, without waiting for it to end."""
        if self._websocket is not None:
            self._close_websocket(code, loss.detail)
            self.session.on_lost(loss, self.now())

    def cut(self, seconds: float) -> None:
        """Break the connection as a pulled cable does, without goodbye; let none be made for
        ``seconds``."""
        now = self.now()
        self._cut_until = now + seconds
        loss = Loss(LossKind.RESET, f"the cable was pulled for {seconds:g} s (bot.cut)")
        self._stop_dialling()
        websocket, self._websocket = self._websocket, None
        if websocket is not None:
            self._closing.add(websocket)
            websocket.abort()
        self.session.on_lost(loss, now)
        self.pump()

    def close(self) -> None:
        """Close the session and its connection, at once."""
        self._stop_dialling()
        self._close_websocket(CloseCode.NORMAL, "the client was closed")
        self.session.close(self.now())
        self.pump()
        self.timer.cancel()

    async def wait_closed(self, seconds: float) -> None:
        """Wait until the connections have ended, at most so long; then abort them."""
        await wait_closed(self._closing, seconds)

    # Called by the WebSocket.

    def on_open(self, websocket: WebSocket, extended: bool) -> None:
        self._websocket = websocket
        self.session.on_open(extended, self.now())
        self.pump()

    def on_text(self, websocket: WebSocket, text: str) -> None:
        if websocket is self._websocket:
            self.session.receive(text, self.now())
            self.pump()

    def on_activity(self, websocket: WebSocket) -> None:
        if websocket is self._websocket:
            self.session.note_activity(self.now())

    def on_writable(self, websocket: WebSocket, writable: bool) -> None:
        if websocket is self._websocket:
            self.session.outbox.queue.in_flight = not writable
            self.arm()

    def on_closed(self, websocket: WebSocket, loss: Loss, clean: bool) -> None:
        self._closing.discard(websocket)
        if websocket is self._websocket:
            self._websocket = None
            self.session.on_lost(self.session.pending_close or loss, self.now())
            self.pump()

    # Internal.

    def _on_due(self) -> None:
        self.session.timeout(self.now())
        self.pump()

    async def _dial(self) -> None:
        session = self.session
        token = session.token
        headers = {"Authorization": f"Bearer {token}"} if token is not None else None
        me = asyncio.current_task()
        try:
            if self.now() < self._cut_until:
                raise DialError(Loss(LossKind.RESET, "the cable is still pulled (bot.cut)"))
            await dial(
                with_query(self._url, session.query()),
                self,
                timeout=OPEN_TIMEOUT,
                headers=headers,
                ssl=self._ssl,
            )
        except DialError as error:
            self._dial_failed(me, error.loss)
        except Exception as error:
            log_failure("an attempt to connect failed inside", error)
            self._dial_failed(me, Loss(LossKind.RESET, f"{type(error).__name__}: {error}"))
        finally:
            if self._dialling is me:
                self._dialling = None

    def _dial_failed(self, attempt: asyncio.Task[Any] | None, loss: Loss) -> None:
        """The attempt came to nothing, also if its handshake had just been done."""
        if self._dialling is attempt:
            self._websocket = None
            self.session.on_lost(loss, self.now())
            self.pump()

    def _stop_dialling(self) -> None:
        dialling, self._dialling = self._dialling, None
        if dialling is not None:
            dialling.cancel()

    def _close_websocket(self, code: int, reason: str) -> None:
        websocket, self._websocket = self._websocket, None
        if websocket is not None:
            self._closing.add(websocket)
            websocket.close(code, reason, discard_input=True)
