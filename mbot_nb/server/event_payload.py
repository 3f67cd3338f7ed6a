"""The events that a server's user and its robot send to the clients."""

from __future__ import annotations

from typing import Any

from .. import commands as c
from ..errors import UsageError
from ..protocol.messages import MAX_NAME
from ..protocol.server import encode_event

__all__ = ["event_payload"]

_PLAIN = (
    "An event's data is plain: numbers, text, true and false, None, and lists and dicts of them."
)


def event_payload(event: Any, data: Any) -> bytes:
    """The payload of an event, also of one that holds NumPy's numbers.

    Raises:
        UsageError: no client could read it.
    """
    if not isinstance(event, str) or not 1 <= len(event) <= MAX_NAME:
        raise UsageError(f"an event's name is a text of 1 to {MAX_NAME} letters, not {event!r}")
    try:
        try:
            return encode_event(event, data)
        except TypeError:
            return encode_event(event, c.plain(data))
    except (TypeError, ValueError, RecursionError) as error:
        raise UsageError(f"emit({event!r}, ...): {error}. {_PLAIN}") from None
