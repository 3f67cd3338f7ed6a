"""The frames of an mBot (mCore): bytes in, frames out. Pure: no port, no thread, no clock.

    request   ff 55 | length | index | action | device | data ...
              length counts what follows it; there is no checksum
    answers   ff 55 | index | kind | value | 0d 0a    to a get
              ff 55 | index | 0d 0a                   to a get of a device that is not there
              ff 55 | 0d 0a                           to everything else: an acknowledgement
                                                      without an index
              ff 55 | 80 | 01 | state | 0d 0a         the button, unasked

The end is found by the kind of the value, never by searching for 0d 0a: a float may hold them
(138.05 is 3e 0d 0a 43).
"""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple

from .stream_decoder import FrameDecoder

__all__ = [
    "ACTIONS",
    "BUTTON",
    "Ack",
    "Decoder",
    "EmptyReply",
    "Frame",
    "Request",
    "RequestDecoder",
    "Value",
    "encode_ack",
    "encode_nothing",
    "encode_request",
    "encode_value",
]

GET, RUN, RESET, START = 1, 2, 4, 5
ACTIONS = frozenset((GET, RUN, RESET, START))
BYTE, FLOAT, SHORT, TEXT, DOUBLE = 1, 2, 3, 4, 5
BUTTON = 128
"""The index of the button's frames; requests never use it."""
START_MARK = b"\xff\x55"
END_MARK = b"\r\n"

_NUMBERS = {BYTE: Struct("B"), FLOAT: Struct("<f"), SHORT: Struct("<hxx"), DOUBLE: Struct("<d")}
"""What comes after the kind. Of a short's four bytes the last two are garbage."""


class Value(NamedTuple):
    """The answer to a get."""

    number: int
    value: float | str


class EmptyReply(NamedTuple):
    """The answer to a get of a device that the firmware does not know."""

    number: int


class Ack(NamedTuple):
    """Something was received; what, is not said."""


Frame = Value | EmptyReply | Ack


class Request(NamedTuple):
    """What the robot is asked."""

    number: int
    action: int
    device: int
    data: bytes = b""


def encode_request(request: Request) -> bytes:
    """The bytes of a request."""
    body = bytes((request.number, request.action, request.device)) + request.data
    return START_MARK + bytes((len(body),)) + body


def encode_value(number: int, kind: int, value: float | str) -> bytes:
    """What a robot answers to a get."""
    if isinstance(value, str):
        text = value.encode("utf-8")
        data = bytes((len(text),)) + text
    else:
        data = _NUMBERS[kind].pack(value if kind in (FLOAT, DOUBLE) else int(value))
    return START_MARK + bytes((number, kind)) + data + END_MARK


def encode_nothing(number: int) -> bytes:
    """What a robot answers to a get of what it does not have."""
    return START_MARK + bytes((number,)) + END_MARK


def encode_ack() -> bytes:
    """What a robot answers to everything but a get."""
    return START_MARK + END_MARK


class Decoder(FrameDecoder[Frame]):
    """Finds answers in a stream that is fed in pieces of any size."""

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that are complete with ``data``."""
        buffer = self._buffer
        buffer += data
        frames: list[Frame] = []
        at, size = 0, len(buffer)
        while at < size:
            start = buffer.find(START_MARK, at)
            if start < 0:
                start = size - (buffer[-1] == START_MARK[0])
            if start > at:
                self._skip(buffer[at:start])
                at = start
            length = _length(buffer, at, size)
            if length is None:
                break
            if not length:
                self._skip(buffer[at : at + 1])
                at += 1
                continue
            frames.append(_read(buffer, at))
            at += length
        if at:
            del buffer[:at]
        return frames


def _length(buffer: bytearray, at: int, size: int) -> int | None:
    """How long the frame at ``at`` is: 0 if there is none, None if that cannot be said yet."""
    if size - at < 4:
        return None
    index, kind = buffer[at + 2], buffer[at + 3]
    if index == 0x0D and kind == 0x0A:
        return 4
    if kind == 0x0D:
        end = at + 5
    elif kind == TEXT:
        if size - at < 5:
            return None
        end = at + 7 + buffer[at + 4]
    elif kind in _NUMBERS:
        end = at + 6 + _NUMBERS[kind].size
    else:
        return 0
    if kind == 0x0D:
        if size < end:
            return None
        return 5 if buffer[at + 4] == 0x0A else 0
    if size < end:
        return None
    return end - at if buffer[end - 2 : end] == END_MARK else 0


def _read(buffer: bytearray, at: int) -> Frame:
    """The frame at ``at``, which is complete."""
    index, kind = buffer[at + 2], buffer[at + 3]
    if kind in _NUMBERS:
        return Value(index, _NUMBERS[kind].unpack_from(buffer, at + 4)[0])
    if kind == 0x0A:
        return Ack()
    if kind == 0x0D:
        return EmptyReply(index)
    return Value(index, buffer[at + 5 : at + 5 + buffer[at + 4]].decode("utf-8", "replace"))


class RequestDecoder:
    """The robot's side, like the firmware: a truncated request swallows what follows."""

    def __init__(self) -> None:
        self._previous = 0
        self._body: bytearray | None = None
        self._missing = -1

    def feed(self, data: bytes) -> list[Request]:
        """The requests that are complete with ``data``."""
        requests = []
        for byte in data:
            if self._body is None:
                if byte == 0x55 and self._previous == 0xFF:
                    self._body, self._missing = bytearray(), -1
                self._previous = byte
            elif self._missing < 0:
                self._missing = byte
                if not byte:
                    self._body = None
            else:
                self._body.append(byte)
                self._missing -= 1
                if not self._missing:
                    body, self._body, self._previous = self._body, None, 0
                    if len(body) >= 3:
                        requests.append(Request(body[0], body[1], body[2], bytes(body[3:])))
        return requests
