"""Frames to messages and back.

A good frame is read in one step by msgspec. One that fails is read again slowly, message by
message, so that the error says what is wrong where, and so that one bad message in a batch is
refused by itself. Both ways accept the same frames.

A batch is not read as a list of `msgspec.Raw`, each decoded by itself: in batches of a hundred that
takes 0.55 µs a message in place of 0.44, and the slow way would stay as long as it is, since `Raw`
refuses a whole batch for one NaN. What is written, and the data of an event that is read, is `Raw`.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from typing import Any, Generic, TypeVar

import msgspec
from msgspec import Raw, Struct

from ..errors import ProtocolError
from . import messages as m
from .settings import MAX_DEPTH, MAX_INTEGER, VERSION

__all__ = [
    "ClientFrames",
    "Envelope",
    "Frames",
    "ServerFrames",
    "clean",
    "encode",
    "event_data",
    "frame",
    "is_batch",
    "to_json",
    "with_field",
]

Message = TypeVar("Message")

encode = msgspec.json.Encoder().encode
"""Plain data that is known to be acceptable, as JSON."""
_data = msgspec.json.Decoder().decode
_fields = msgspec.json.Decoder(dict[str, Raw]).decode
_TOO_LARGE = "a number is too large: numbers must be finite"
_strings = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"')
_ALIKE = bytes.maketrans(b"{}", b"[]")
_OTHERS = bytes(set(range(256)) - set(b"{}[]"))
_surrogate = re.compile("[\ud800-\udfff]")
_UNNUMBERED = ("state", "ping", "pong", "error", "auth", "batch")
_TYPES_OF_THREE_BRACKETS = frozenset({m.CommandMessage})
MAX_DIGITS = 4300
"""Python's own limit for an integer out of text, which msgspec keeps; both ways of reading must
keep the same one."""
MAX_NESTED = MAX_DEPTH - 5
"""How deep parameters or data may be nested: a batch, its list, the message and its payload are
around them."""


class Frames(Generic[Message]):
    """Reads the frames of one direction."""

    def __init__(
        self, batch_type: type[Any], message_types: Any, known: Iterable[str], sender: str
    ) -> None:
        self._batch_type = batch_type
        self._message_types = message_types
        self._known = frozenset(known)
        self._sender = sender
        self._decoder = msgspec.json.Decoder(message_types | batch_type)

    def decode(self, text: str, *, max_batch: int = 1000) -> list[Message | ProtocolError]:
        """The messages of one frame in order; for each that cannot be understood, the error to
        answer with."""
        try:
            message = self._decoder.decode(text)
        except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
            return self._decode_each(text, max_batch)
        if type(message) is not self._batch_type:
            if text.count("{") + text.count("[") > MAX_DEPTH and depth(text) > MAX_DEPTH:
                return self._decode_each(text, max_batch)
            return [message]
        found: list[Message | ProtocolError] = message.payload.messages
        count = len(found)
        if count > max_batch:
            return [_too_many(count, max_batch)]
        brackets = text.count("{") + text.count("[")
        if (
            brackets > MAX_DEPTH
            and not (brackets == 3 + 3 * count and _have_three_brackets(found))
            and depth(text) > MAX_DEPTH
        ):
            return self._decode_each(text, max_batch)
        return _with_ack(found, message)

    def _decode_each(self, text: str, max_batch: int) -> list[Message | ProtocolError]:
        try:
            value = json.loads(text, parse_int=_integer, parse_constant=_Constant)
        except RecursionError:
            return [
                ProtocolError("INVALID_MESSAGE", f"the frame is nested more than {MAX_DEPTH} deep")
            ]
        except ValueError as error:
            return [ProtocolError("INVALID_MESSAGE", f"the frame is not JSON: {error}")]
        if not isinstance(value, dict) or value.get("type") != "batch":
            return [self._convert(value, 0)]
        mismatch = _envelope_error(value, "batch")
        if mismatch is not None:
            return [mismatch]
        payload = value.get("payload")
        inner = payload.get("messages") if isinstance(payload, dict) else None
        if not isinstance(payload, dict) or not isinstance(inner, list):
            return [
                ProtocolError(
                    "INVALID_MESSAGE", "a batch needs payload.messages, a list of messages"
                )
            ]
        if len(inner) > max_batch:
            return [_too_many(len(inner), max_batch)]
        around = {**value, "payload": {**payload, "messages": []}}
        wrong = _unacceptable(around, MAX_DEPTH)
        if wrong is not None:
            return [ProtocolError("INVALID_MESSAGE", f"batch: {wrong}")]
        try:
            envelope = msgspec.convert(around, self._batch_type)
        except msgspec.ValidationError as invalid:
            return [ProtocolError("INVALID_MESSAGE", f"batch: {_located(invalid)}")]
        # The batch's own braces and its list are three levels above each message.
        return _with_ack([self._convert(item, 3) for item in inner], envelope)

    def _convert(self, value: Any, above: int) -> Message | ProtocolError:
        """One message out of plain data, or what is wrong with it."""
        if not isinstance(value, dict):
            return ProtocolError(
                "INVALID_MESSAGE", f"a message is a JSON object, this is {_kind(value)}"
            )
        sequence, id = _labels(value)
        wrong = _unacceptable(value, MAX_DEPTH - above)
        if wrong is not None:
            return ProtocolError("INVALID_MESSAGE", wrong, sequence=sequence, id=id)
        kind = value.get("type")
        error = _envelope_error(value, str(kind))
        if error is not None:
            return error
        if kind == "batch":
            return ProtocolError(
                "INVALID_MESSAGE",
                "a batch inside a batch: send its messages in one list",
                sequence=sequence,
            )
        if not isinstance(kind, str) or kind not in self._known:
            return ProtocolError(
                "INVALID_MESSAGE",
                f"type: a {self._sender} sends {', '.join(sorted(self._known))}, not "
                f"{_short(kind)}",
                sequence=sequence,
                id=id,
            )
        payload = value.get("payload")
        if isinstance(payload, dict):
            if kind == "command":
                value = {**value, "payload": {"params": {}, **payload}}
            elif kind == "event" and "data" in payload:
                data = Raw(json.dumps(payload["data"]).encode())
                value = {**value, "payload": {**payload, "data": data}}
        try:
            message: Message = msgspec.convert(value, self._message_types)
        except msgspec.ValidationError as invalid:
            return ProtocolError(
                "INVALID_MESSAGE", f"{kind}: {_located(invalid)}", sequence=sequence, id=id
            )
        if kind != "event" and not _finite_throughout(msgspec.to_builtins(message)):
            wrong = f"{kind}: {_TOO_LARGE}"
            return ProtocolError("INVALID_MESSAGE", wrong, sequence=sequence, id=id)
        return message


def event_data(message: m.EventMessage) -> Any:
    """What an event carries.

    Raises:
        ProtocolError: a number is too large; everything else was checked when it was read.
    """
    try:
        return _data(message.payload.data)
    except msgspec.DecodeError:
        wrong = f"event: {_TOO_LARGE}"
        raise ProtocolError("INVALID_MESSAGE", wrong, sequence=message.sequence) from None


def depth(text: str) -> int:
    """How deep valid JSON text is nested (at most ``MAX_DEPTH + 1`` is told)."""
    skeleton = _strings.sub("", text).encode(errors="replace").translate(_ALIKE, _OTHERS)
    levels = 0
    while skeleton and levels <= MAX_DEPTH:
        skeleton = skeleton.replace(b"[]", b"")
        levels += 1
    return levels


class _Constant:
    """Where a frame says NaN, Infinity or -Infinity."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name


def _integer(digits: str) -> int | float:
    """An integer; one of thousands of digits is no number that anybody can keep."""
    try:
        return int(digits) if len(digits) <= MAX_DIGITS else math.inf
    except ValueError:
        return math.inf


def _located(invalid: msgspec.ValidationError) -> str:
    """msgspec's sentence with the path first."""
    text, _, path = str(invalid).partition(" - at `$")
    return f"{path.rstrip('`').lstrip('.') or 'message'}: {text}"


def _finite_throughout(value: Any) -> bool:
    if isinstance(value, dict):
        return all(map(_finite_throughout, value.values()))
    if isinstance(value, (list, tuple)):
        return all(map(_finite_throughout, value))
    return _finite(value)


def _with_ack(messages: list[Any], envelope: Any) -> list[Any]:
    """An acknowledgement on the batch itself is passed on as what carries a bare one: an empty
    pong."""
    ack = getattr(envelope, "ack", None)
    return messages if ack is None else [*messages, m.PongMessage(version=VERSION, ack=ack)]


def _have_three_brackets(messages: list[Any]) -> bool:
    """Whether each message takes three brackets at least: then thrice as many in all hide no deep
    one."""
    return set(map(type, messages)) <= _TYPES_OF_THREE_BRACKETS


def _unacceptable(value: Any, levels: int) -> str | None:
    """What JSON text may not hold, or this protocol does not take: depth, NaN, half characters."""
    if isinstance(value, dict):
        if levels == 0:
            return f"nested more than {MAX_DEPTH} deep"
        children: Iterable[Any] = (*value.keys(), *value.values())
    elif isinstance(value, list):
        if levels == 0:
            return f"nested more than {MAX_DEPTH} deep"
        children = value
    elif isinstance(value, str):
        return (
            "text holds half a character (a lone surrogate)" if _surrogate.search(value) else None
        )
    else:
        return (
            "numbers must be finite: NaN and Infinity are not JSON"
            if isinstance(value, _Constant)
            else None
        )
    for child in children:
        wrong = _unacceptable(child, levels - 1)
        if wrong is not None:
            return wrong
    return None


def _envelope_error(value: dict[str, Any], kind: str) -> ProtocolError | None:
    version = value.get("version")
    if type(version) is int and version == VERSION:
        return None
    sequence, id = _labels(value)
    found = f"version {_short(version)}" if "version" in value else "no version"
    return ProtocolError(
        "VERSION_MISMATCH",
        f'this side speaks version {VERSION}, the {kind[:32]} says {found}: send "version": '
        f"{VERSION}",
        sequence=sequence,
        id=id,
    )


def _labels(value: dict[str, Any]) -> tuple[int | None, str | int | None]:
    """The sequence and id of a message, as far as they can be read."""
    sequence = value.get("sequence")
    if (
        type(sequence) is not int
        or not 0 <= sequence <= MAX_INTEGER
        or value.get("type") in _UNNUMBERED
    ):
        sequence = None
    payload = value.get("payload")
    id = payload.get("id") if isinstance(payload, dict) else None
    if isinstance(id, str):
        readable = len(id) <= 128 and _unacceptable(id, 1) is None
    else:
        readable = type(id) is int and abs(id) <= MAX_INTEGER
    return sequence, id if readable else None


def _too_many(count: int, most: int) -> ProtocolError:
    return ProtocolError(
        "INVALID_MESSAGE", f"a batch of {count} messages: at most {most} are taken, send several"
    )


def _kind(value: Any) -> str:
    names = {list: "a list", str: "text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")


def _short(value: Any) -> str:
    text = ascii(value)
    return text if len(text) <= 40 else text[:37] + "..."


ClientFrames: Frames[m.FromClient] = Frames(
    m.BatchFromClient, m.FromClient, ("command", "ping", "pong", "auth", "batch"), "client"
)
"""What a server reads."""

ServerFrames: Frames[m.FromServer] = Frames(
    m.BatchFromServer, m.FromServer, ("state", "event", "pong", "error", "ping", "batch"), "server"
)
"""What a client reads."""


_TOO_NESTED = (
    f"nested more than {MAX_NESTED} deep: make it flatter, the frame around it may be "
    f"{MAX_DEPTH} deep at most"
)


def to_json(value: Any, around: int = 0) -> bytes:
    """Plain data as JSON; ``around`` are the levels of it that a payload is made of.

    Raises:
        ValueError: a number is not finite (msgspec would write ``null``), or nested too deep.
        TypeError: something is not plain data, which is all that JSON knows.
    """
    try:
        text = encode(value)
    except RecursionError:
        raise ValueError(_TOO_NESTED) from None
    most = MAX_NESTED + around
    # A value so deep has at least two brackets for each level. (`in` takes twice as long as
    # `find`.)
    if (
        len(text) > 2 * most
        and text.count(b"{") + text.count(b"[") > most
        and depth(text.decode()) > most
    ):
        raise ValueError(_TOO_NESTED)
    if text.find(b"null") >= 0 and not _finite_throughout(msgspec.to_builtins(value)):
        raise ValueError("numbers must be finite: NaN and Infinity are not JSON")
    return text


def clean(value: Any) -> Any:
    """Plain data without what is not finite: such a value is left out, and null inside a list."""
    if isinstance(value, dict):
        return {
            str(key) if type(key) is int else key: clean(item)
            for key, item in value.items()
            if _finite(item)
        }
    if isinstance(value, (list, tuple)):
        return [clean(item) if _finite(item) else None for item in value]
    return value


def _finite(value: Any) -> bool:
    return not isinstance(value, float) or math.isfinite(value)


class Envelope(Struct, tag_field="version", tag=VERSION, omit_defaults=True, gc=False):
    """A message as it is written; most payloads are JSON already. The fields stand in the order
    of the wire."""

    type: str
    payload: Raw | dict[str, Any]
    timestamp: int
    sequence: int | None = None
    ack: int | None = None


def frame(messages: list[Envelope], timestamp: int) -> bytes:
    """One frame for the messages: alone it is sent plain."""
    if len(messages) == 1:
        return encode(messages[0])
    return encode(Envelope("batch", {"messages": messages}, timestamp))


_BATCH = encode(Envelope("batch", {}, 0)).partition(b',"payload"')[0]


def is_batch(written: bytes) -> bool:
    """Whether :func:`frame` wrote several messages into this frame, by how it begins."""
    return written.startswith(_BATCH)


def with_field(payload: bytes, name: str, value: Any) -> Raw:
    """A payload that is JSON already, with one more field."""
    return Raw(encode({**_fields(payload), name: value}))


ENVELOPE_BYTES = 128
"""More than any envelope adds to a payload; for keeping a batch under the size of a frame."""
