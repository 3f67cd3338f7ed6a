"""What a server's user and its robot may say to the clients."""

from __future__ import annotations

from typing import Any

from .. import commands as c
from ..errors import UsageError
from ..protocol.messages import MAX_NAME
from ..protocol.server import event_payload

__all__ = ["sayable"]

_PLAIN = (
    "An event's data is plain: numbers, text, true and false, None, and lists and dicts of them."
)


def sayable(event: Any, data: Any) -> bytes:
    """The payload of an event, also of one that holds NumPy's numbers.

    Raises:
        UsageError: no client could read it.
    """
    if not isinstance(event, str) or not 1 <= len(event) <= MAX_NAME:
        raise UsageError(f"an event's name is a text of 1 to {MAX_NAME} letters, not {event!r}")
    try:
        try:
            return event_payload(event, data)
        except TypeError:
            return event_payload(event, c.plain(data))
    except (TypeError, ValueError, RecursionError) as error:
        raise UsageError(f"emit({event!r}, ...): {error}. {_PLAIN}") from None
