"""Text frames over real WebSockets: the `websockets` protocol core in thin asyncio shells.

A :class:`WebSocket` hands each frame over at once, in the loop's callback, without queues or tasks
in between; that is what keeps round trips short and a batch of commands cheap. It is one
connection; a reconnect makes a new one.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl as tls
import threading
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from http import HTTPStatus
from typing import Any, Protocol

from websockets.client import ClientProtocol
from websockets.exceptions import InvalidHandshake, InvalidStatus, InvalidURI
from websockets.frames import BINARY, CONT, PING, PONG, TEXT, Frame
from websockets.http11 import Request, Response
from websockets.protocol import OPEN
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

from ..protocol.loss import CloseCode, Loss, LossKind
from ..protocol.settings import MAX_FRAME, SUBPROTOCOL

__all__ = [
    "ClientWebSocket",
    "DialError",
    "Receiver",
    "ServerWebSocket",
    "WebSocket",
    "dial",
    "wait_closed",
]

# The library's own chatter about connections is not the user's affair.
_logger = logging.getLogger("mbot_nb.websocket")
_logger.setLevel(logging.ERROR)


class _ReadBuffer(threading.local):
    """Where a thread's connections read into, one after the other.

    A fresh buffer of asyncio's for each read can cost more than the reading: the system gives and
    takes back its memory every time.
    """

    def __init__(self) -> None:
        # A view, since asyncio's encryption writes into slices of it.
        self.view = memoryview(bytearray(64 * 1024))


_read_buffer = _ReadBuffer()
HANDSHAKE_TIMEOUT = 10.0
CLOSE_TIMEOUT = 2.0
MAX_REASON = 123
"""Bytes of text in a closing frame (RFC 6455, 5.5)."""


class Receiver(Protocol):
    """Gets what a WebSocket carries. All calls come from its loop."""

    def on_open(self, websocket: WebSocket, extended: bool) -> None:
        """The handshake is done; ``extended`` if both sides speak `mbot.v2`."""

    def on_text(self, websocket: WebSocket, text: str) -> None:
        """One text frame has come."""

    def on_activity(self, websocket: WebSocket) -> None:
        """A ping or pong of the WebSocket layer has come: the peer lives."""

    def on_writable(self, websocket: WebSocket, writable: bool) -> None:
        """The transport's buffer is full, or has room again."""

    def on_closed(self, websocket: WebSocket, loss: Loss, clean: bool) -> None:
        """The connection has ended; ``clean`` if the peer said goodbye (close code 1000)."""


class DialError(Exception):
    """No connection could be made."""

    def __init__(self, loss: Loss) -> None:
        super().__init__(loss.detail)
        self.loss = loss


class WebSocket(asyncio.BufferedProtocol):
    """One WebSocket connection, either side."""

    def __init__(self, protocol: Any, receiver: Receiver) -> None:
        self._protocol = protocol
        self._receiver = receiver
        self._transport: asyncio.Transport | None = None
        self._fragments: list[bytes] = []
        self._open = False
        self._discards_input = False
        self._timer: asyncio.TimerHandle | None = None
        self._closed = asyncio.Event()

    # From the shell.

    @property
    def peer(self) -> str:
        """The other side's address."""
        address = (
            self._transport.get_extra_info("peername") if self._transport is not None else None
        )
        return f"{address[0]}:{address[1]}" if isinstance(address, tuple) else "unknown"

    def send(self, frames: Sequence[bytes]) -> None:
        """Send text frames, in one write."""
        protocol = self._protocol
        if protocol.state is not OPEN or self._transport is None:
            return
        for frame in frames:
            protocol.send_text(frame)
        self._write()

    def close(
        self, code: int = CloseCode.NORMAL, reason: str = "", *, discard_input: bool = False
    ) -> None:
        """Say goodbye, then hang up; at once if the peer does not answer.

        With ``discard_input`` nothing is delivered that it still sends.
        """
        self._discards_input = self._discards_input or discard_input
        if self._transport is None or self._closed.is_set():
            return
        if self._open and self._protocol.state is OPEN:
            self._protocol.send_close(code, _short(reason))
            self._write()
            self._abort_after(CLOSE_TIMEOUT)
        elif not self._open:
            self.abort()

    def abort(self) -> None:
        """Hang up now."""
        if self._transport is not None:
            self._transport.abort()

    def cut(self) -> None:
        """Hang up where the loop is closed: only the peer hears of it."""
        sock = self._transport.get_extra_info("socket") if self._transport is not None else None
        if sock is not None:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    async def wait_closed(self) -> None:
        """Wait until the connection has ended."""
        await self._closed.wait()

    # From asyncio.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        sock = transport.get_extra_info("socket")
        if sock is not None and sock.family in (socket.AF_INET, socket.AF_INET6):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def get_buffer(self, sizehint: int) -> memoryview:
        return _read_buffer.view

    def buffer_updated(self, nbytes: int) -> None:
        protocol = self._protocol
        protocol.receive_data(_read_buffer.view[:nbytes])
        self._write()
        for event in protocol.events_received():
            if isinstance(event, Frame):
                self._frame(event)
            else:
                self._handshake(event)
        if self._open and protocol.close_expected():
            self._abort_after(CLOSE_TIMEOUT)

    def eof_received(self) -> None:
        self._protocol.receive_eof()
        self._write()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._closed.set()
        loss, clean = self._closing_loss(exc)
        if self._open:
            self._open = False
            self._receiver.on_closed(self, loss, clean)
        else:
            self._never_opened(loss)

    def pause_writing(self) -> None:
        if self._open:
            self._receiver.on_writable(self, False)

    def resume_writing(self) -> None:
        if self._open:
            self._receiver.on_writable(self, True)

    # Inside.

    def _frame(self, frame: Frame) -> None:
        if frame.opcode is TEXT and frame.fin:
            self._text(bytes(frame.data))
        elif frame.opcode is TEXT or (frame.opcode is CONT and self._fragments):
            self._fragments.append(bytes(frame.data))
            if frame.fin:
                data, self._fragments = b"".join(self._fragments), []
                self._text(data)
        elif frame.opcode is PING or frame.opcode is PONG:
            self._receiver.on_activity(self)
        elif frame.opcode is BINARY or frame.opcode is CONT:
            self._fail(1003, "text frames only: binary messages are not part of the protocol")

    def _text(self, data: bytes) -> None:
        if self._discards_input:
            return
        try:
            text = data.decode()
        except UnicodeDecodeError as error:
            self._fail(CloseCode.INVALID_DATA, f"not UTF-8 at byte {error.start}")
            return
        self._receiver.on_text(self, text)

    def _fail(self, code: int, reason: str) -> None:
        if self._protocol.state is OPEN:
            self._protocol.fail(code, _short(reason))
            self._write()
            self._abort_after(CLOSE_TIMEOUT)

    def _write(self) -> None:
        transport = self._transport
        data = self._protocol.data_to_send()
        if not data or transport is None or transport.is_closing():
            # A broken connection is told by `connection_lost`; what is written to it until then
            # would only make noise.
            return
        if data[-1] == b"":
            # The end of our side; closing still delivers what was written before.
            if len(data) > 1:
                transport.write(b"".join(data))
            transport.close()
        elif len(data) == 1:
            transport.write(data[0])
        else:
            transport.write(b"".join(data))

    def _abort_after(self, seconds: float) -> None:
        if self._timer is None and not self._closed.is_set():
            self._timer = asyncio.get_running_loop().call_later(seconds, self.abort)

    def _closing_loss(self, exc: Exception | None) -> tuple[Loss, bool]:
        theirs, ours = self._protocol.close_rcvd, self._protocol.close_sent
        if theirs is not None:
            reason = f": {theirs.reason}" if theirs.reason else ""
            words = f"the other side closed the connection ({theirs.code}{reason})"
            return Loss(LossKind.CLOSED, words, theirs.code), theirs.code == CloseCode.NORMAL
        if ours is not None:
            words = f"closed from here ({ours.code} {ours.reason})".replace(" )", ")")
            return Loss(LossKind.CLOSED, words, ours.code), False
        return Loss(LossKind.RESET, f"the connection broke{f' ({exc})' if exc else ''}"), False

    def _handshake(self, event: Request | Response) -> None:
        raise NotImplementedError

    def _never_opened(self, loss: Loss) -> None:
        raise NotImplementedError


class ClientWebSocket(WebSocket):
    """The client's end; made by :func:`dial`."""

    def __init__(
        self, protocol: ClientProtocol, receiver: Receiver, headers: dict[str, str]
    ) -> None:
        super().__init__(protocol, receiver)
        self._headers = headers
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        request = self._protocol.connect()
        for name, value in self._headers.items():
            request.headers[name] = value
        self._protocol.send_request(request)
        self._write()

    def _handshake(self, event: Request | Response) -> None:
        error = self._protocol.handshake_exc
        if error is not None:
            self._fail_opening(error)
            return
        self._open = True
        if not self.opened.done():
            self.opened.set_result(None)
        self._receiver.on_open(self, self._protocol.subprotocol == SUBPROTOCOL)

    def _never_opened(self, loss: Loss) -> None:
        error = self._protocol.handshake_exc
        if error is not None:
            self._fail_opening(error)
        elif not self.opened.done():
            self.opened.set_exception(
                DialError(Loss(LossKind.RESET, "the connection broke while it was being made"))
            )

    def _fail_opening(self, error: Exception) -> None:
        if self.opened.done():
            return
        if isinstance(error, InvalidStatus):
            response = error.response
            body = bytes(response.body or b"").decode(errors="replace").strip().split("\n")[0][:200]
            detail = (
                f"the server answered {response.status_code} "
                f"{response.reason_phrase}{': ' + body if body else ''}"
            )
            loss = Loss(LossKind.HTTP, detail, response.status_code)
        elif isinstance(error.__cause__, EOFError):
            loss = Loss(LossKind.RESET, "the connection broke while it was being made")
        else:
            loss = Loss(
                LossKind.HTTP, f"what answers there is not a WebSocket server ({error})", 400
            )
        self.opened.set_exception(DialError(loss))


class ServerWebSocket(WebSocket):
    """The server's end of one connection.

    ``gate(request)`` may answer a request itself (a plain page, a refusal) as status and text; None
    lets it in. ``websockets`` holds this one while it lasts; one whose encryption never stood does
    not get that far.
    """

    def __init__(
        self,
        receiver: Receiver,
        gate: Callable[[Request], tuple[HTTPStatus, str] | None],
        websockets: set[ServerWebSocket],
    ) -> None:
        protocol = ServerProtocol(select_subprotocol=_select, max_size=MAX_FRAME, logger=_logger)
        super().__init__(protocol, receiver)
        self._gate = gate
        self._websockets = websockets
        self.request: Request | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._websockets.add(self)
        self._abort_after(HANDSHAKE_TIMEOUT)

    def _handshake(self, event: Request | Response) -> None:
        assert isinstance(event, Request)
        self.request = event
        refusal = self._gate(event)
        response = (
            self._protocol.accept(event) if refusal is None else self._protocol.reject(*refusal)
        )
        self._protocol.send_response(response)
        self._write()
        if self._protocol.state is OPEN:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            self._open = True
            self._receiver.on_open(self, self._protocol.subprotocol == SUBPROTOCOL)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._websockets.discard(self)

    def _never_opened(self, loss: Loss) -> None:
        """A plain page, a refused or broken handshake: nobody was told of it."""


async def wait_closed(websockets: Collection[WebSocket], grace: float) -> None:
    """Wait until these have ended, and abort those that have not after ``grace`` seconds."""
    with suppress(TimeoutError):
        async with asyncio.timeout(grace):
            for websocket in tuple(websockets):
                await websocket.wait_closed()
    for websocket in tuple(websockets):
        websocket.abort()
        await websocket.wait_closed()


def _short(reason: str) -> str:
    """As much of it as a closing frame can hold."""
    return reason.encode(errors="replace")[:MAX_REASON].decode(errors="ignore")


def _select(_: ServerProtocol, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    """A client that offers only what we do not know is served as a baseline one."""
    return Subprotocol(SUBPROTOCOL) if SUBPROTOCOL in offered else None


async def dial(
    url: str,
    receiver: Receiver,
    *,
    timeout: float,
    headers: dict[str, str] | None = None,
    ssl: tls.SSLContext | None = None,
    origin: str | None = None,
) -> ClientWebSocket:
    """Make a connection.

    Raises:
        DialError: it could not be made; its ``loss`` says why.
    """
    try:
        uri = parse_uri(url)
    except InvalidURI as error:
        raise DialError(Loss(LossKind.ADDRESS, str(error))) from None
    context: tls.SSLContext | None = None
    if uri.secure:
        context = ssl if ssl is not None else tls.create_default_context()
    loop = asyncio.get_running_loop()
    websocket: ClientWebSocket | None = None

    def make() -> ClientWebSocket:
        nonlocal websocket
        protocol = ClientProtocol(
            uri, subprotocols=[Subprotocol(SUBPROTOCOL)], max_size=MAX_FRAME, logger=_logger
        )
        websocket = ClientWebSocket(protocol, receiver, headers or {})
        return websocket

    try:
        async with asyncio.timeout(timeout):
            await loop.create_connection(
                make,
                uri.host,
                uri.port,
                ssl=context,
                server_hostname=uri.host if context is not None else None,
            )
            assert websocket is not None
            await websocket.opened
    except BaseException as error:
        if websocket is not None:
            websocket.abort()
            # Nobody waits for it any more, also if what is left of the connection breaks later.
            if not websocket.opened.cancel() and not websocket.opened.cancelled():
                websocket.opened.exception()
        loss = _why(error, timeout, secure=context is not None)
        if loss is None:
            raise
        raise DialError(loss) from None
    return websocket


def _why(error: BaseException, timeout: float, *, secure: bool) -> Loss | None:
    """A failed attempt in words; None for what is no such failure."""
    if isinstance(error, DialError):
        return error.loss
    if isinstance(error, TimeoutError):
        return Loss(LossKind.TIMEOUT, f"nothing answered within {timeout:.1f} s")
    if isinstance(error, tls.SSLError):
        return Loss(LossKind.TLS, f"the encrypted connection was not accepted: {error}")
    if isinstance(error, ConnectionRefusedError):
        return Loss(LossKind.REFUSED, "nothing listens there (connection refused)")
    if isinstance(error, UnicodeError):
        return Loss(LossKind.ADDRESS, f"this name cannot be looked up ({error})")
    if isinstance(error, socket.gaierror):
        return Loss(LossKind.NAME, "this name is not known")
    if secure and isinstance(error, ConnectionError):
        return Loss(
            LossKind.RESET,
            "the other side hung up before the encryption stood (is it wss there, with TLS 1.3?)",
        )
    if isinstance(error, (OSError, InvalidHandshake)):
        if "Connect call failed" in str(error):
            return Loss(LossKind.REFUSED, "nothing listens there (connection refused)")
        return Loss(LossKind.RESET, str(error) or type(error).__name__)
    return None
