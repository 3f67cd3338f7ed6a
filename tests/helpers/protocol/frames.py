"""Frames made from their parts, for the tests of the codec."""

from __future__ import annotations

import json
from typing import Any

from mbot_nb.errors import ProtocolError
from mbot_nb.protocol import messages as m
from mbot_nb.protocol.codec import ClientFrames, event_data

GOOD = '{"version":2,"type":"command","payload":{"command":"x","params":{}},"sequence":%s}'
PING = '{"version":2,"type":"ping","payload":{}}'


def command(
    params: str = "{}", sequence: Any = 7, version: str = "2", payload: str = "", extra: str = ""
) -> str:
    """A command whose parts are given as text."""
    return (
        f'{{"version":{version},"type":"command","payload":{{"command":"x","params":{params}{payload}}}'
        f',"sequence":{json.dumps(sequence)}{extra}}}'
    )


def in_batch(*messages: str) -> str:
    return f'{{"version":2,"type":"batch","payload":{{"messages":[{",".join(messages)}]}}}}'


def nested(levels: int, opening: str = "[", closing: str = "]") -> str:
    return opening * levels + closing * levels


def told(result: Any) -> Any:
    """A result that can be compared."""
    if isinstance(result, ProtocolError):
        return "error", result.code, result.sequence, result.id
    payload: Any = result.payload
    if isinstance(result, m.EventMessage):
        try:
            payload = payload.event, event_data(result)
        except ProtocolError as error:
            payload = told(error)
    return (
        type(result),
        [(name, getattr(result, name)) for name in result.__struct_fields__ if name != "payload"],
        repr(payload),
    )


def one(text: str) -> Any:
    results = ClientFrames.decode(text)
    assert len(results) == 1
    return results[0]


def refused(text: str, code: str = "INVALID_MESSAGE") -> ProtocolError:
    error = one(text)
    assert isinstance(error, ProtocolError)
    assert error.code == code
    return error


# What is taken.
