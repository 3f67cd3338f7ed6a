"""Rows of the tables `frames` and `batches`: what went over the wire, message by message.

Of a message that came alone, the session that read it tells what it was, and of commands that went
out, the one that wrote them. Everything else is read many at a time when the table is packed; all
that is looked at are the envelopes.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from itertools import chain, islice, repeat
from operator import attrgetter
from typing import Any

import msgspec
from msgspec import Raw, Struct

from ...protocol import messages as m
from ...protocol.client.outbox import SentBatch
from ..tables.columns import pack_texts

__all__ = ["TYPES", "FrameRows", "Item", "batch_rows"]

Item = tuple[float, str, int | None, bytes | str | SentBatch | None, int, str | None, int | None]
"""A frame: when, `in` or `out`, of which client (at a server), its text or what was written in it,
its length (-1: yet to be read), type, sequence."""

TYPES: dict[type, str] = {
    m.EventMessage: "event",
    m.StateMessage: "state",
    m.PongMessage: "pong",
    m.ErrorMessage: "error",
    m.PingMessage: "ping",
    m.CommandMessage: "command",
    m.AuthMessage: "auth",
}


class _Envelope(Struct, gc=False):
    type: str
    sequence: int | None = None
    payload: Raw = Raw(b"{}")


class _Batch(Struct, gc=False):
    messages: list[Raw]


class _Written(Struct, gc=False):
    payload: _Batch


_envelopes = msgspec.json.Decoder(list[_Envelope])
_envelope = msgspec.json.Decoder(_Envelope)
_batch = msgspec.json.Decoder(_Batch)
_written = msgspec.json.Decoder(_Written)
_to_json = msgspec.json.Encoder().encode
_sequence = attrgetter("sequence")
_NAN = float("nan")
_UNREADABLE = _Envelope("")


class FrameRows:
    """Takes frames in, and makes columns of the table ``frames`` out of them."""

    def __init__(self, *, keep_text: bool) -> None:
        self.keep_text = keep_text
        self._frames = 0
        self._batches = 0

    def columns(self, items: list[Item]) -> Sequence[Any]:
        """The columns of the table for these frames, in the order of the schema."""
        times, directions, clients, *rest = zip(*items, strict=True)
        texts, sizes, types, sequences = map(list, rest)
        batches: dict[int, list[Raw] | SentBatch] = {}
        unread = []
        for place, size in enumerate(sizes):
            if size < 0:
                if type(texts[place]) is SentBatch:
                    batches[place] = texts[place]
                else:
                    unread.append(place)
        raw = [_utf8(texts[place]) for place in unread]
        for place, text, envelope in zip(unread, raw, _read(raw), strict=True):
            within = _messages(envelope) if envelope.type == "batch" else None
            if within is not None:
                batches[place] = within
                continue
            texts[place] = text if self.keep_text else None
            sizes[place] = len(text)
            types[place] = envelope.type or None
            sequences[place] = envelope.sequence
        numbers: Sequence[int] = range(self._frames, self._frames + len(items))
        self._frames += len(items)
        whose: Sequence[int | None] | None = None
        positions: Sequence[int] = array("b", bytes(len(items)))
        if batches:
            counts, whose, types, sequences, sizes, texts = self._unfold(
                batches, types, sequences, sizes, texts
            )
            times, directions, numbers, whose, clients = (
                tuple(chain.from_iterable(map(repeat, values, counts)))
                for values in (times, directions, numbers, whose, clients)
            )
            positions = list(chain.from_iterable(map(range, counts)))
        kept = pack_texts([_utf8(text) for text in texts]) if self.keep_text else None
        envelopes = times, directions, types, sequences, sizes
        return *envelopes, numbers, whose, positions, kept, clients

    def _unfold(
        self,
        batches: dict[int, list[Raw] | SentBatch],
        types: list[Any],
        sequences: list[Any],
        sizes: list[Any],
        texts: list[Any],
    ) -> tuple[list[int], list[int | None], list[Any], list[Any], list[Any], list[Any]]:
        """The columns with a row for each message of the batches at these places; before them for
        each frame how many rows it has, and the number of its batch."""
        received = [within for within in batches.values() if not isinstance(within, SentBatch)]
        envelopes = iter(_read(list(chain.from_iterable(received))))
        counts: list[int] = []
        whose: list[int | None] = []
        unfolded: tuple[list[Any], list[Any], list[Any], list[Any]] = ([], [], [], [])
        all_types, all_sequences, all_sizes, all_texts = unfolded
        for place, row in enumerate(zip(types, sequences, sizes, texts, strict=True)):
            within = batches.get(place)
            if within is None:
                counts.append(1)
                whose.append(None)
                for column, value in zip(unfolded, row, strict=True):
                    column.append(value)
                continue
            messages: Sequence[Any]
            if isinstance(within, SentBatch):
                frame = within.frame
                messages = _written.decode(frame).payload.messages if _is_batch(within) else [frame]
                all_types += ["command"] * len(messages)
                all_sequences += map(_sequence, within.commands)
            else:
                messages = within
                inner = list(islice(envelopes, len(messages)))
                all_types += [envelope.type or None for envelope in inner]
                all_sequences += [envelope.sequence for envelope in inner]
            written = list(map(bytes, messages))
            all_sizes += map(len, written)
            if self.keep_text:
                all_texts += written
            counts.append(len(messages))
            whose.append(self._batches if _is_batch(within) else None)
            self._batches += _is_batch(within)
        return counts, whose, *unfolded


def _is_batch(within: Sequence[Raw] | SentBatch) -> bool:
    """A frame of one command is that command alone."""
    return type(within) is not SentBatch or len(within.commands) > 1


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


def _utf8(text: bytes | str) -> bytes:
    return text if isinstance(text, bytes) else text.encode(errors="replace")


def batch_rows(items: list[Any]) -> Sequence[Sequence[Any]]:
    """Columns of the table: out of a client's frames of commands, and of batches that are given as
    when, `out` or `in`, how many messages (0: it is not known yet), the text, and of which client.
    """
    rows = [_sent(item) if type(item) is SentBatch else _received(*item) for item in items]
    return list(zip(*rows, strict=True))


def _sent(batch: SentBatch) -> tuple[Any, ...]:
    at = batch.at
    waits = [(at - command.queued_at) * 1e3 for command in batch.commands]
    count, text = len(waits), _to_json(waits).decode()
    mean = sum(waits) / count
    return at, "out", batch.reason, count, batch.nbytes, mean, waits[0], text, None


def _received(
    at: float, direction: str, count: int, text: bytes | str, client: int | None
) -> tuple[Any, ...]:
    encoded = _utf8(text)
    if not count:  # it is one of ours
        count = len(_messages(_one(encoded)) or ())
    return at, direction, None, count, len(encoded), _NAN, _NAN, None, client
