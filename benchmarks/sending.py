"""``send_*`` and ``ceiling_*``: messages per second, delivered in order and acknowledged, beside
websockets with json, python-socketio, and websockets with msgspec alone."""

from __future__ import annotations

from functools import partial

from . import ceiling, ours, plain, socketio_rival
from .figures import Comparison, Goal
from .harness import Contender

__all__ = ["comparisons"]

_WARM_UP = 2_000
_MESSAGES = {
    1: 20_000,
    10: 60_000,
    100: 150_000,
}  # about half a second each, at the speed each size goes


def comparisons() -> list[Comparison]:
    """What this module measures."""
    mine = {
        size: Contender(f"ours: by {size}", partial(ours.send_rate, size, messages, _WARM_UP))
        for size, messages in _MESSAGES.items()
    }
    bare = {
        size: Contender(
            f"bare msgspec: by {size}", partial(ceiling.send_rate, size, messages, _WARM_UP)
        )
        for size, messages in _MESSAGES.items()
    }
    simple = Contender("websockets and json", partial(plain.send_rate, _MESSAGES[1], _WARM_UP))
    rival = Contender("python-socketio", partial(socketio_rival.send_rate, _MESSAGES[1], _WARM_UP))
    goals = {
        1: Goal(ratio_at_least=0.7),
        10: Goal(ratio_at_least=2.5, ours_at_least=100_000),
        100: Goal(ratio_at_least=4),
    }
    unit = "messages/s"
    rows = [
        Comparison(
            name="send_unbatched" if size == 1 else f"send_batched_{size}",
            ours=mine[size],
            theirs=simple,
            unit=unit,
            goal=goals[size],
            how=(
                f"{_MESSAGES[size]:,} times `bot.send` with "
                f"{'batch_window=0' if size == 1 else f'max_batch_size={size}'}, then "
                f"`flush`, against {_MESSAGES[1]:,} frames of websockets and json (one small "
                "message each, no compression, the "
                "last one answered); client and server in one loop, a handler called for each "
                "message, their order checked"
            ),
        )
        for size in _MESSAGES
    ]
    rows.append(
        Comparison(
            name="send_socketio",
            ours=mine[10],
            theirs=rival,
            unit=unit,
            goal=Goal(ratio_at_least=5),
            how=(
                f"ours by ten, as above, against {_MESSAGES[1]:,} times `emit` of "
                "python-socketio's AsyncClient over WebSocket "
                "alone, the last one by `call`; its server on aiohttp with async_handlers=False, "
                "the fastest of its set-ups"
            ),
        )
    )
    rows.extend(
        Comparison(
            name="ceiling_unbatched" if size == 1 else f"ceiling_{size}",
            ours=mine[size],
            theirs=bare[size],
            unit=unit,
            how=(
                f"for information: ours by {size} against bare websockets and msgspec with the "
                "same envelopes and batches and "
                "without ordering, acknowledgement, resume, limits or timers"
            ),
        )
        for size in _MESSAGES
    )
    return rows
