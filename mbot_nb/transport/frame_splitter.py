"""Splits the bytes of a WebSocket connection into what travels together, and changes none."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Literal

from websockets.exceptions import PayloadTooBig, ProtocolError
from websockets.frames import CLOSE, CONT, CTRL_OPCODES, TEXT, Frame
from websockets.streams import StreamReader

__all__ = ["FrameSplitter", "Kind"]

Kind = Literal["handshake", "text", "binary", "control", "close", "bytes", "end"]

_LONGEST_LINE = 64 * 1024
_LARGEST_FRAME = 16 * 1024 * 1024


class FrameSplitter:
    """Calls ``emit(kind, data)`` for each HTTP head, whole message (all of its frames) and control
    frame of a stream.

    What is not (or no longer) WebSocket traffic goes through as `bytes`, as it comes. Joined again,
    the pieces are the stream.

    Args:
        masked: whether this is a client's stream.
        edit: changes the lines of the HTTP head, the only thing that may be changed.
    """

    def __init__(
        self,
        emit: Callable[[Kind, bytes], None],
        *,
        masked: bool,
        edit: Callable[[Sequence[bytes]], list[bytes]] | None = None,
    ) -> None:
        self._emit = emit
        self._masked = masked
        self._edit = edit
        self._reader = StreamReader()
        self._taken = bytearray()
        """What was read and not emitted yet."""
        self._message: Kind | None = None
        """The kind of the message whose first frames are in ``_taken``."""
        self._steps: Generator[None, None, None] | None = self._run()

    def feed(self, data: bytes) -> None:
        """Take more of the stream."""
        if self._steps is None:
            self._emit("bytes", data)
            return
        self._reader.feed_data(data)
        if next(self._steps, self) is self:
            self._steps = None
            self._rest()

    def finish(self) -> None:
        """The stream has ended: half a message goes as it is."""
        self._steps = None
        self._rest()

    def _rest(self) -> None:
        rest = bytes(self._taken + self._reader.buffer)
        self._taken.clear()
        self._reader.buffer.clear()
        if rest:
            self._emit("bytes", rest)

    def _run(self) -> Generator[None, None, None]:
        try:
            if (yield from self._head()):
                while True:
                    yield from self._frame()
        except (ProtocolError, PayloadTooBig):
            # Not ours to judge: whoever reads it is to see the same bytes.
            return

    def _head(self) -> Generator[None, None, bool]:
        """The HTTP request or answer; whether frames follow it."""
        lines = []
        while True:
            line = bytes((yield from self._reader.read_line(_LONGEST_LINE, ProtocolError)))
            self._taken += line
            lines.append(line)
            if line in (b"\r\n", b"\n"):
                break
            if len(self._taken) > _LONGEST_LINE:
                raise ProtocolError("an endless head")
        if self._masked:
            follows = any(
                line.lower().startswith(b"upgrade:") and b"websocket" in line.lower()
                for line in lines
            )
        else:
            follows = lines[0].split(b" ", 2)[1:2] == [b"101"]
        self._taken.clear()
        self._emit("handshake", b"".join(self._edit(lines) if self._edit is not None else lines))
        return follows

    def _frame(self) -> Generator[None, None, None]:
        before = len(self._taken)
        frame = yield from Frame.parse(self._exact, mask=self._masked, max_size=_LARGEST_FRAME)
        if frame.opcode in CTRL_OPCODES:
            # It may stand between the frames of a message, and does not wait for the end of it.
            data = bytes(self._taken[before:])
            del self._taken[before:]
            self._emit("close" if frame.opcode is CLOSE else "control", data)
            return
        if frame.opcode is not CONT:
            self._message = "text" if frame.opcode is TEXT else "binary"
        if frame.fin:
            kind, self._message = self._message or "bytes", None
            data = bytes(self._taken)
            self._taken.clear()
            self._emit(kind, data)

    def _exact(self, n: int) -> Generator[None, None, bytearray]:
        data = yield from self._reader.read_exact(n)
        self._taken += data
        return data
