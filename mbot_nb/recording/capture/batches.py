"""Rows of the table ``batches``, made when it is packed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from ...protocol.client.outbox import SentBatch
from .frames import messages_in

__all__ = ["batch_rows"]

_to_json = msgspec.json.Encoder().encode
_NAN = float("nan")


def batch_rows(items: list[Any]) -> Sequence[Sequence[Any]]:
    """Columns of the table: out of a client's frames of commands, and of batches that are told by
    when, `out` or `in`, how many messages (0: it is not known yet), the text, and of which client.
    """
    return list(
        zip(
            *[_sent(item) if type(item) is SentBatch else _seen(*item) for item in items],
            strict=True,
        )
    )


def _sent(batch: SentBatch) -> tuple[Any, ...]:
    at, commands = batch.at, batch.commands
    waits = [(at - command.queued_at) * 1e3 for command in commands]
    count = len(waits)
    told = _to_json(waits).decode()
    return at, "out", batch.reason, count, batch.nbytes, sum(waits) / count, waits[0], told, None


def _seen(
    at: float, direction: str, count: int, text: bytes | str, client: int | None
) -> tuple[Any, ...]:
    if not count:  # it is one of ours
        count = messages_in(text)
    nbytes = len(text if isinstance(text, bytes) else text.encode(errors="replace"))
    return at, direction, None, count, nbytes, _NAN, _NAN, None, client
