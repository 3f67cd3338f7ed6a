"""What differs between the two robots' frames, as the exchange sees it. Pure.

A dialect encodes requests and decodes what the robot sends. Most answers carry the number of their
request, but neither acknowledgements of an mBot nor an mBot2's answers to subscriptions do.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from typing import Any, NamedTuple

from ....errors import ProtocolError
from . import f3, ff55

__all__ = [
    "Answer",
    "DeviceRequest",
    "Dialect",
    "F3Dialect",
    "FF55Dialect",
    "Notification",
    "Request",
    "RobotMessage",
    "ScriptRequest",
]


_TEXT = re.compile(rb"[\t\r\n -~]{20,}")


class ScriptRequest(NamedTuple):
    """A script for an mBot2. A subscription is not ``numbered``."""

    text: str
    mode: int = f3.RUN_AND_REPLY
    numbered: bool = True


class DeviceRequest(NamedTuple):
    """A request to an mBot. Only the answer to a get is numbered."""

    action: int
    device: int
    data: bytes = b""


Request = ScriptRequest | DeviceRequest
"""What can be asked of a robot."""


class Answer(NamedTuple):
    """The answer to the request of this ``number``, if it has one; the value may be an error."""

    number: int | None
    value: Any


class Notification(NamedTuple):
    """Sensor values that the robot sends unasked, by key."""

    values: dict[int, Any]


RobotMessage = Answer | Notification


class Dialect(ABC):
    """One connection's reading and writing; a new connection takes a new one."""

    window: int
    """Requests that may be under way at once."""
    probe: Request
    """A numbered request that every such robot answers, with its firmware's version."""
    greeting: bytes = b""
    """What is sent when the robot has answered the probe."""

    decoder: f3.Decoder | ff55.Decoder

    def __init__(self, number: int = 0) -> None:
        self.number = number
        """The last one given."""

    @abstractmethod
    def numbered(self, request: Request) -> bool:
        """Whether the answer will carry the number of the request."""

    @abstractmethod
    def encode(self, request: Request, number: int) -> bytes:
        """The bytes of a request."""

    @abstractmethod
    def next_number(self) -> int:
        """A number for the next request, as long unused as possible."""

    @abstractmethod
    def read(self, frames: list[Any]) -> list[RobotMessage]:
        """What the decoder's frames mean."""

    @abstractmethod
    def rebooted(self, noise: bytes) -> bool:
        """Whether what was skipped is what the robot writes when it starts."""

    def feed(self, data: bytes) -> list[RobotMessage]:
        """What is complete with ``data``."""
        return self.read(self.decoder.feed(data))

    def flush(self) -> list[RobotMessage]:
        """Give up on an unfinished frame; returns what was behind its beginning."""
        return self.read(self.decoder.flush())


class F3Dialect(Dialect):
    """An mBot2."""

    window = 4
    probe = ScriptRequest("cyberpi.get_firmware_version()")
    greeting = f3.ONLINE

    def __init__(self, number: int = 0) -> None:
        super().__init__(number)
        self.decoder: f3.Decoder = f3.Decoder()

    def numbered(self, request: Request) -> bool:
        return isinstance(request, ScriptRequest) and request.numbered

    def encode(self, request: Request, number: int) -> bytes:
        assert isinstance(request, ScriptRequest)
        return f3.encode_script(request.text, number if request.numbered else 0, request.mode)

    def next_number(self) -> int:
        self.number = self.number % f3.MAX_NUMBER + 1
        return self.number

    def read(self, frames: list[f3.Frame]) -> list[RobotMessage]:
        received: list[RobotMessage] = []
        for frame in frames:
            if isinstance(frame, f3.Script):
                received.append(Answer(frame.number or None, _value(frame.text)))
            elif isinstance(frame, f3.Push):
                try:
                    received.append(Notification(f3.pushed(frame.text)))
                except ProtocolError:  # sound, but of no use: counted like noise
                    self.decoder.skipped += len(frame.text)
        return received

    def rebooted(self, noise: bytes) -> bool:
        """An ESP32 writes lines of text when it starts; spoilt frames have no line ends."""
        return any(b"\n" in text for text in _TEXT.findall(noise))


class FF55Dialect(Dialect):
    """An mBot."""

    window = 1
    probe = DeviceRequest(ff55.GET, 0, b"\0")

    # Not 0, which short requests have; not what frames begin and end with; not the button's.
    NUMBERS = tuple(number for number in range(1, 127) if number not in (0x0A, 0x0D, 0x55))

    def __init__(self, number: int = 0) -> None:
        super().__init__(number)
        self.decoder: ff55.Decoder = ff55.Decoder()

    def numbered(self, request: Request) -> bool:
        return isinstance(request, DeviceRequest) and request.action == ff55.GET

    def encode(self, request: Request, number: int) -> bytes:
        assert isinstance(request, DeviceRequest)
        return ff55.encode_request(ff55.Request(number, *request))

    def next_number(self) -> int:
        self.number += 1
        return self.NUMBERS[self.number % len(self.NUMBERS)]

    def read(self, frames: list[ff55.Frame]) -> list[RobotMessage]:
        received: list[RobotMessage] = []
        for frame in frames:
            match frame:
                case ff55.Ack():
                    received.append(Answer(None, None))
                case ff55.EmptyReply(number):
                    received.append(Answer(number, None))
                case ff55.Value(ff55.BUTTON, value):
                    received.append(Notification({ff55.BUTTON: value}))
                case ff55.Value(number, value):
                    received.append(Answer(number, value))
        return received

    def rebooted(self, noise: bytes) -> bool:
        return b"Version: " in noise


def _value(text: bytes) -> Any:
    try:
        return f3.returned(text)
    except ProtocolError as error:
        return error
