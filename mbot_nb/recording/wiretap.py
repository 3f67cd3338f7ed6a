"""The wire as a table: what went over it, message by message.

While it records it only keeps hold of the texts, which exist anyway. They are read many at a time, when the table is packed; all
that is looked at are the envelopes.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Raw, Struct

__all__ = ["Frame", "Wiretap", "batch_size"]

Frame = tuple[float, str, bytes | str, int | None]
"""When, `in` or `out`, its text, and of which client (at a server)."""


class _Envelope(Struct, gc=False):
    type: str
    sequence: int | None = None
    payload: Raw = Raw(b"{}")


class _Batch(Struct, gc=False):
    messages: list[Raw]


_envelopes = msgspec.json.Decoder(list[_Envelope])
_envelope = msgspec.json.Decoder(_Envelope)
_batch = msgspec.json.Decoder(_Batch)
_UNREADABLE = _Envelope("")


def batch_size(text: bytes | str) -> int:
    """How many messages this frame holds if it is a batch, else 0."""
    if isinstance(text, str):
        if '"messages"' not in text:
            return 0  # nearly always
        text = text.encode(errors="replace")
    envelope = _one(text)
    return len(_messages(envelope) or ()) if envelope.type == "batch" else 0


class Wiretap:
    """Makes columns of the table ``frames`` out of frames."""

    def __init__(self, *, keep_text: bool) -> None:
        self.keep_text = keep_text
        self._frames = 0
        self._batches = 0

    def columns(self, frames: list[Frame]) -> Sequence[Sequence[Any]]:
        """The columns of the table for these frames, in the order of the schema."""
        times, directions, texts, clients = zip(*frames, strict=True)
        raw = [text if type(text) is bytes else text.encode(errors="replace") for text in texts]
        envelopes = _read(raw)
        first = self._frames
        self._frames += len(raw)
        types = [envelope.type or None for envelope in envelopes]
        if "batch" not in types:
            count = len(raw)
            return (
                times,
                directions,
                types,
                [envelope.sequence for envelope in envelopes],
                array("q", map(len, raw)),
                array("q", range(first, self._frames)),
                [None] * count,
                array("q", bytes(8 * count)),
                [text.decode() for text in raw] if self.keep_text else [None] * count,
                clients,
            )
        return self._unfold(frames, raw, envelopes, first)

    def _unfold(self, frames: list[Frame], raw: list[bytes], envelopes: list[_Envelope], first: int) -> Sequence[Sequence[Any]]:
        """The same where there are batches among them."""
        messages: list[Any] = []
        inner: list[_Envelope] = []
        numbers: list[int] = []
        batches: list[int | None] = []
        positions: list[int] = []
        for number, (text, envelope) in enumerate(zip(raw, envelopes, strict=True)):
            within = _messages(envelope) if envelope.type == "batch" else None
            if within is None:
                messages.append(text)
                inner.append(envelope)
                numbers.append(number)
                batches.append(None)
                positions.append(0)
                continue
            count = len(within)
            messages += within
            numbers += [number] * count
            batches += [self._batches] * count
            positions += range(count)
            inner += _read(within)
            self._batches += 1
        return (
            [frames[number][0] for number in numbers],
            [frames[number][1] for number in numbers],
            [envelope.type or None for envelope in inner],
            [envelope.sequence for envelope in inner],
            array("q", [memoryview(message).nbytes for message in messages]),
            array("q", [first + number for number in numbers]),
            batches,
            array("q", positions),
            [bytes(message).decode() for message in messages] if self.keep_text else [None] * len(messages),
            [frames[number][3] for number in numbers],
        )


def _read(texts: Sequence[Any]) -> list[_Envelope]:
    """The envelopes of these texts, all at once if all can be read."""
    try:
        found = _envelopes.decode(b"[%b]" % b",".join(texts))
        if len(found) == len(texts):
            return found
    except (msgspec.DecodeError, RecursionError):
        pass  # one of them is no message: each for itself
    return [_one(bytes(text)) for text in texts]


def _one(text: bytes) -> _Envelope:
    try:
        return _envelope.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return _UNREADABLE


def _messages(envelope: _Envelope) -> list[Raw] | None:
    """What is in a batch; None if that cannot be read."""
    try:
        return _batch.decode(envelope.payload).messages or None
    except (msgspec.DecodeError, RecursionError):
        return None
