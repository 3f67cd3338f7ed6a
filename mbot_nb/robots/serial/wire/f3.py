"""The frames of an mBot2 (CyberPi): bytes in, frames out. Pure: no port, no thread, no clock.

A frame has two checksums, one of its head and one of its body:

    f3 | check | length lo hi | body ... | sum | f4

    check = (f3 + length lo + length hi) & ff        sum = all bytes of the body & ff

    body of a script   28 | mode | index lo hi | text length lo hi | text
    body of a push     29 | service | text length lo hi | text
    body of a switch   0d | 00 | 01 online, 00 offline

Frames are found by their length, never by searching inside them: a reply may well hold bytes that
look like a header. What does not add up is skipped byte by byte.
"""

from __future__ import annotations

from struct import Struct
from typing import Any, NamedTuple

from ....errors import ProtocolError
from . import literals
from .stream_decoder import FrameDecoder

__all__ = [
    "OFFLINE",
    "ONLINE",
    "RESET",
    "RUN",
    "RUN_AND_REPLY",
    "RUN_AT_ONCE",
    "Decoder",
    "Frame",
    "Push",
    "Script",
    "Switch",
    "UnknownFrame",
    "encode_frame",
    "encode_push",
    "encode_script",
    "encode_switch",
    "pushed",
    "returned",
]

HEADER, FOOTER = 0xF3, 0xF4
SCRIPT, PUSH, SWITCH = 0x28, 0x29, 0x0D
RUN, RUN_AND_REPLY, RESET, RUN_AT_ONCE = 0, 1, 2, 3
"""Modes of a script. The last one overtakes the robot's queue, and replies too."""
MAX_NUMBER = 0xFFFF
MAX_BODY = 4096
"""A longer one is noise that looks like a header, and must not swallow what follows."""

_SCRIPT_HEAD = Struct("<BHH")
_PUSH_HEAD = Struct("<BH")
_NOTHING = b'{"ret":None}'


class Script(NamedTuple):
    """An expression for the robot to evaluate, or its reply: ``text`` is UTF-8."""

    mode: int
    number: int
    text: bytes


class Push(NamedTuple):
    """The value of a subscription, unasked."""

    service: int
    text: bytes


class Switch(NamedTuple):
    """Live mode on or off."""

    online: bool


class UnknownFrame(NamedTuple):
    """A sound frame of a type that is not known here."""

    body: bytes


Frame = Script | Push | Switch | UnknownFrame


class Decoder(FrameDecoder[Frame]):
    """Finds frames in a stream that is fed in pieces of any size."""

    def __init__(self, max_body: int = MAX_BODY) -> None:
        super().__init__()
        self._max_body = max_body

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that are complete with ``data``."""
        buffer = self._buffer
        buffer += data
        frames: list[Frame] = []
        at, size = 0, len(buffer)
        while at < size:
            if buffer[at] != HEADER:
                start = buffer.find(HEADER, at)
                if start < 0:
                    start = size
                self._skip(buffer[at:start])
                at = start
                continue
            if size - at < 4:
                break
            low, high = buffer[at + 2], buffer[at + 3]
            length = low + (high << 8)
            if (HEADER + low + high) & 0xFF != buffer[at + 1] or not 0 < length <= self._max_body:
                self._skip(buffer[at : at + 1])
                at += 1
                continue
            end = at + length + 6
            if end > size:
                break
            body = bytes(buffer[at + 4 : end - 2])
            if buffer[end - 1] != FOOTER or sum(body) & 0xFF != buffer[end - 2]:
                self._skip(buffer[at : at + 1])
                at += 1
                continue
            frames.append(_read(body))
            at = end
        if at:
            del buffer[:at]
        return frames


def _read(body: bytes) -> Frame:
    kind = body[0]
    if kind == SCRIPT and len(body) >= 6:
        mode, number, length = _SCRIPT_HEAD.unpack_from(body, 1)
        if length == len(body) - 6:
            return Script(mode, number, body[6:])
    elif kind == PUSH and len(body) >= 4:
        service, length = _PUSH_HEAD.unpack_from(body, 1)
        if length == len(body) - 4:
            return Push(service, body[4:])
    elif kind == SWITCH and len(body) == 3:
        return Switch(body[2] == 1)
    return UnknownFrame(body)


def encode_frame(body: bytes) -> bytes:
    """The frame with this body.

    Raises:
        ValueError: the body is empty or too long.
    """
    length = len(body)
    if not 0 < length <= 0xFFFF:
        raise ValueError(f"a body has 1 to {0xFFFF} bytes, not {length}: send a shorter text")
    low, high = length & 0xFF, length >> 8
    return (
        bytes((HEADER, (HEADER + low + high) & 0xFF, low, high))
        + body
        + bytes((sum(body) & 0xFF, FOOTER))
    )


def encode_script(text: str, number: int, mode: int = RUN_AND_REPLY) -> bytes:
    """The frame that runs ``text``, and its reply, with the same ``number`` (0: subscription)."""
    data = text.encode("utf-8")
    return encode_frame(bytes((SCRIPT,)) + _SCRIPT_HEAD.pack(mode, number, len(data)) + data)


def encode_push(text: str, service: int = 1) -> bytes:
    """The frame of a subscription's value."""
    data = text.encode("utf-8")
    return encode_frame(bytes((PUSH,)) + _PUSH_HEAD.pack(service, len(data)) + data)


def encode_switch(online: bool) -> bytes:
    """The frame that brings the robot into live mode, or out of it."""
    return encode_frame(bytes((SWITCH, 0, online)))


ONLINE, OFFLINE = encode_switch(True), encode_switch(False)


def returned(text: bytes) -> Any:
    """The value in a reply's ``{"ret": VALUE}``.

    Raises:
        ProtocolError: the text is none, or says that the script failed.
    """
    if text == _NOTHING:
        return None
    answer = _parsed(text)
    if not isinstance(answer, dict) or "ret" not in answer:
        reply = answer.get("err", answer) if isinstance(answer, dict) else answer
        raise ProtocolError(
            "INTERNAL_ERROR",
            f"the robot could not carry the script out, and says: {str(reply)[:200]}",
        )
    return answer["ret"]


def pushed(text: bytes) -> dict[int, Any]:
    """The values in a push's ``{KEY: VALUE}``; :class:`ProtocolError` for anything else."""
    values = _parsed(text)
    if not isinstance(values, dict):
        raise ProtocolError(
            "INVALID_MESSAGE", f"a subscription tells {{key: value}}, this is {text[:80]!r}"
        )
    try:
        return {int(key): value for key, value in values.items()}
    except (TypeError, ValueError):
        raise ProtocolError(
            "INVALID_MESSAGE", f"a subscription's key is a number, this is {text[:80]!r}"
        ) from None


def _parsed(text: bytes) -> Any:
    try:
        return literals.parse(text.decode("utf-8"))
    except ValueError as error:
        raise ProtocolError(
            "INVALID_MESSAGE", f"the robot's answer cannot be read: {error}"
        ) from None
