"""What differs between the two robots' frames, as the exchange sees it. Pure.

A dialect writes what is asked and reads what is heard. Most answers carry the number of their
request. Some carry none: the acknowledgements of an mBot, and what an mBot2 answers to a
subscription.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from typing import Any, NamedTuple

from ....errors import ProtocolError
from . import f3, ff55

__all__ = [
    "Answer",
    "Ask",
    "Content",
    "Dialect",
    "F3Dialect",
    "FF55Dialect",
    "Heard",
    "Say",
    "Told",
]


_TEXT = re.compile(rb"[\t\r\n -~]{20,}")


class Say(NamedTuple):
    """A script for an mBot2. A subscription is not ``numbered``."""

    text: str
    mode: int = f3.RUN_AND_REPLY
    numbered: bool = True


class Ask(NamedTuple):
    """A request to an mBot. Only the answer to a get is numbered."""

    action: int
    device: int
    data: bytes = b""


Content = Say | Ask
"""What can be asked of a robot."""


class Answer(NamedTuple):
    """What answers a request: the one of this ``number``, or, if None, one that has none. ``value``
    may be an error."""

    number: int | None
    value: Any


class Told(NamedTuple):
    """What the robot says unasked: sensor values by key."""

    values: dict[int, Any]


Heard = Answer | Told


class Dialect(ABC):
    """One connection's reading and writing; a new connection takes a new one."""

    window: int
    """Requests that may be under way at once."""
    probe: Content
    """A numbered request that every such robot answers, with its firmware's version."""
    greeting: bytes = b""
    """What is sent when the robot has answered the probe."""

    decoder: f3.Decoder | ff55.Decoder

    def __init__(self, number: int = 0) -> None:
        self.number = number
        """The last one given."""

    @abstractmethod
    def numbered(self, content: Content) -> bool:
        """Whether the answer will carry the number of the request."""

    @abstractmethod
    def encode(self, content: Content, number: int) -> bytes:
        """The bytes of a request."""

    @abstractmethod
    def next_number(self) -> int:
        """A number for the next request, as long unused as possible."""

    @abstractmethod
    def read(self, frames: list[Any]) -> list[Heard]:
        """What the decoder's frames mean."""

    @abstractmethod
    def rebooted(self, noise: bytes) -> bool:
        """Whether what was skipped is what the robot writes when it starts."""

    def feed(self, data: bytes) -> list[Heard]:
        """What is heard with ``data``."""
        return self.read(self.decoder.feed(data))

    def give_up(self) -> list[Heard]:
        """Nothing more came for a while: what is heard without waiting for the rest of a frame."""
        return self.read(self.decoder.give_up())


class F3Dialect(Dialect):
    """An mBot2."""

    window = 4
    probe = Say("cyberpi.get_firmware_version()")
    greeting = f3.ONLINE

    def __init__(self, number: int = 0) -> None:
        super().__init__(number)
        self.decoder: f3.Decoder = f3.Decoder()

    def numbered(self, content: Content) -> bool:
        return isinstance(content, Say) and content.numbered

    def encode(self, content: Content, number: int) -> bytes:
        assert isinstance(content, Say)
        return f3.encode_script(content.text, number if content.numbered else 0, content.mode)

    def next_number(self) -> int:
        self.number = self.number % f3.MAX_NUMBER + 1
        return self.number

    def read(self, frames: list[f3.Frame]) -> list[Heard]:
        heard: list[Heard] = []
        for frame in frames:
            if isinstance(frame, f3.Script):
                heard.append(Answer(frame.number or None, _value(frame.text)))
            elif isinstance(frame, f3.Push):
                try:
                    heard.append(Told(f3.pushed(frame.text)))
                except ProtocolError:
                    self.decoder.skipped += len(
                        frame.text
                    )  # sound, but of no use: counted like noise
        return heard

    def rebooted(self, noise: bytes) -> bool:
        """An ESP32 writes lines of text when it starts; what is left of spoilt frames has no line
        ends."""
        return any(b"\n" in text for text in _TEXT.findall(noise))


class FF55Dialect(Dialect):
    """An mBot."""

    window = 1
    probe = Ask(ff55.GET, 0, b"\0")

    # Not 0, which short requests have; not what frames begin and end with; not the button's.
    NUMBERS = tuple(number for number in range(1, 127) if number not in (0x0A, 0x0D, 0x55))

    def __init__(self, number: int = 0) -> None:
        super().__init__(number)
        self.decoder: ff55.Decoder = ff55.Decoder()

    def numbered(self, content: Content) -> bool:
        return isinstance(content, Ask) and content.action == ff55.GET

    def encode(self, content: Content, number: int) -> bytes:
        assert isinstance(content, Ask)
        return ff55.encode_request(
            ff55.Request(number, content.action, content.device, content.data)
        )

    def next_number(self) -> int:
        self.number += 1
        return self.NUMBERS[self.number % len(self.NUMBERS)]

    def read(self, frames: list[ff55.Frame]) -> list[Heard]:
        heard: list[Heard] = []
        for frame in frames:
            if isinstance(frame, ff55.Ack):
                heard.append(Answer(None, None))
            elif isinstance(frame, ff55.Nothing):
                heard.append(Answer(frame.number, None))
            elif frame.number == ff55.BUTTON:
                heard.append(Told({ff55.BUTTON: frame.value}))
            else:
                heard.append(Answer(frame.number, frame.value))
        return heard

    def rebooted(self, noise: bytes) -> bool:
        return b"Version: " in noise


def _value(text: bytes) -> Any:
    try:
        return f3.returned(text)
    except ProtocolError as error:
        return error
