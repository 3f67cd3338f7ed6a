"""``recorder_*``: what recording costs, against appending a dict to a list for each row, and
against not recording."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable
from functools import partial
from time import perf_counter, process_time
from typing import Any

import msgspec
import pandas as pd

import mbot_nb as mb
from mbot_nb.protocol.client.events import EventReceived
from mbot_nb.protocol.codec import ServerFrames, event_data
from mbot_nb.protocol.messages import EventMessage

from . import ours
from .figures import Comparison, Goal
from .harness import Contender

__all__ = ["Side", "comparisons"]

_EVENTS = 60_000
# events that are made, as in one read of a socket, before they are recorded; the making is not
# measured
_AT_ONCE = 20
_ROWS = 1_000_000
_MEMORY_EVENTS = 20_000
_MESSAGES, _WARM_UP = 60_000, 2_000

Told = tuple[float, str, list[Any], EventReceived]
Side = Callable[
    [mb.Client],
    tuple[
        Callable[[float, str, list[Any]], None], Callable[[EventReceived], None], Callable[[], Any]
    ],
]
"""What is told of frames, what is told of events, and what gives all that was kept."""


def comparisons() -> list[Comparison]:
    """What this module measures."""
    recorder, dicts = "mb.Recorder", "a dict appended for each row"
    row = (
        "each event is the simulated robot's telemetry and makes two rows, one of the events and "
        "one of the frames on the wire"
    )
    return [
        Comparison(
            name="recorder_append",
            ours=Contender(f"{recorder}: append", partial(_append, _record)),
            theirs=Contender(f"{dicts}: append", partial(_append, _collect)),
            unit="ns/event",
            goal=Goal(ratio_at_most=2.0),
            how=f"processor time for each of, {_EVENTS:,} events, packing included, garbage "
            f"collection on; {row}",
        ),
        Comparison(
            name="recorder_memory",
            ours=Contender(f"{recorder}: memory", partial(_memory, _record)),
            theirs=Contender(f"{dicts}: memory", partial(_memory, _collect)),
            unit="B/event",
            goal=Goal(ratio_at_most=0.25),
            how=f"memory that Python has given out (tracemalloc) after {_MEMORY_EVENTS:,} events, "
            f"frames' texts not kept; {row}",
        ),
        Comparison(
            name="recorder_frame",
            ours=Contender("rec.events", _frame),
            theirs=Contender("pandas.DataFrame(list of dicts)", _frame_of_dicts),
            unit="ms",
            goal=Goal(ratio_at_most=0.2),
            how=f"a DataFrame of {_ROWS:,} recorded events, the first time it is asked for; "
            "`data` is JSON text on both sides",
        ),
        Comparison(
            name="recorder_overhead",
            ours=Contender(
                "by 10, recorded", partial(ours.send_rate, 10, _MESSAGES, _WARM_UP, recorded=True)
            ),
            theirs=Contender(
                "by 10, not recorded", partial(ours.send_rate, 10, _MESSAGES, _WARM_UP)
            ),
            unit="msg/s",
            goal=Goal(ratio_at_least=0.7),
            how="messages per second as in `send_by_10`, with a recorder on the client that fills "
            "all of its tables",
        ),
    ]


def _telemetry() -> bytes:
    return msgspec.json.encode(mb.SimulatedRobot(seed=1).telemetry())


async def _append(setup: Side, events: int = _EVENTS) -> float:
    """Nanoseconds of the processor for each event."""
    data = _telemetry()
    spent = 0.0
    async with mb.serve(port=0) as server, mb.connect(server) as bot:
        on_frame, on_event, flush = setup(bot)
        for start in range(0, events, _AT_ONCE):
            batch = _events(data, start)
            began = process_time()
            for at, text, messages, event in batch:
                on_frame(at, text, messages)
                on_event(event)
            spent += process_time() - began
        began = process_time()
        kept = flush()
        spent += process_time() - began
        _check(kept, events)
    return spent / events * 1e9


async def _memory(setup: Side, events: int = _MEMORY_EVENTS) -> float:
    """Bytes that each event takes."""
    data = _telemetry()
    async with mb.serve(port=0) as server, mb.connect(server) as bot:
        on_frame, on_event, flush = setup(bot)
        gc.collect()
        tracemalloc.start()
        try:
            before = tracemalloc.get_traced_memory()[0]
            for start in range(0, events, _AT_ONCE):
                for at, text, messages, event in _events(data, start):
                    on_frame(at, text, messages)
                    on_event(event)
            kept = flush()
            gc.collect()
            taken = tracemalloc.get_traced_memory()[0] - before
        finally:
            tracemalloc.stop()
        _check(kept, events)
    return taken / events


def _events(data: bytes, start: int) -> list[Told]:
    """As a client gets them: the frame's text, the message that was read in it, and the event that
    is told."""
    frame = (
        '{"version":2,"type":"event","payload":{"event":"telemetry","data":%s},'
        '"timestamp":%d,"sequence":%d}'
    )
    text = data.decode()
    made: list[Told] = []
    for n in range(start, start + _AT_ONCE):
        at, timestamp = n * 1e-3, 1_700_000_000_000 + n
        came = frame % (text, timestamp, n)
        (message,) = messages = ServerFrames.decode(came)
        assert isinstance(message, EventMessage)
        read = event_data(message), n, timestamp, message.payload.data
        event = EventReceived(at, "telemetry", *read)
        made.append((at, came, messages, event))
    return made


def _record(bot: mb.Client) -> Any:
    """Our side: what the client calls."""
    rec = mb.Recorder(bot, ping_rate=0, max_rows=10**9)

    def flush() -> mb.Recorder:
        for table in rec._listener.tables.values():
            table.tidy()
        return rec

    return bot._session.on_frame, bot._taps[0], flush


def _collect(bot: mb.Client) -> Any:
    """What one would write oneself at the same places: the same rows as dicts."""
    events: list[dict[str, Any]] = []
    frames: list[dict[str, Any]] = []

    def on_frame(at: float, text: str, messages: list[Any]) -> None:
        for position, message in enumerate(messages):
            frames.append(
                {
                    "time_s": at,
                    "direction": "in",
                    "type": type(message).__name__,
                    "sequence": message.sequence,
                    "bytes": len(text),
                    "frame": len(frames),
                    "batch": None,
                    "position": position,
                }
            )

    def on_event(event: Any) -> None:
        if isinstance(event, EventReceived):
            events.append(
                {
                    "time_s": event.at,
                    "name": event.name,
                    "sequence": event.sequence,
                    "data": event.data,
                }
            )

    return on_frame, on_event, lambda: (events, frames)


def _check(kept: Any, events: int) -> None:
    """Raises RuntimeError unless every event was recorded."""
    counts = (
        (kept.total("events"), kept.total("frames"))
        if isinstance(kept, mb.Recorder)
        else (len(kept[0]), len(kept[1]))
    )
    # Our side has also what the connection itself brought meanwhile.
    if min(counts) < events or max(counts) > events + 100:
        raise RuntimeError(
            f"{events} events were told, and {counts} rows are there: the sample is worth nothing"
        )


async def _frame() -> float:
    """Milliseconds until the DataFrame is there."""
    data = _telemetry().decode()
    async with mb.serve(port=0) as server, mb.connect(server) as bot:
        rec = mb.Recorder(bot, ping_rate=0, max_rows=10**9).stop()
        table = rec._listener.tables["events"]
        for start in range(0, _ROWS, _AT_ONCE):
            table.extend([(n * 1e-3, "telemetry", n, data) for n in range(start, start + _AT_ONCE)])
        began = perf_counter()
        frame = rec.events
        took = perf_counter() - began
        before = len(frame) - _ROWS
    if (
        not 0 <= before < 100
        or int(frame.sequence.iloc[-1]) != _ROWS - 1
        or frame.data.iloc[-1] != data
    ):
        raise RuntimeError(f"the DataFrame has {len(frame)} rows, not those that were recorded")
    return took * 1e3


async def _frame_of_dicts() -> float:
    data = _telemetry().decode()
    rows = [
        {"time_s": n * 1e-3, "name": "telemetry", "sequence": n, "data": data} for n in range(_ROWS)
    ]
    began = perf_counter()
    frame = pd.DataFrame(rows)
    took = perf_counter() - began
    if len(frame) != _ROWS:
        raise RuntimeError(f"the DataFrame has {len(frame)} rows")
    return took * 1e3
