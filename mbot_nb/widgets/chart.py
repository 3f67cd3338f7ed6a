"""A live line chart of any numbers of a robot: of its state, its events, and the connection to it.

    mb.widgets.LiveChart(bot, "neural_state.tension", "telemetry.speed", "latency")

Only new samples go to the page, as binary buffers; the page keeps what it has got. The kernel pays
for the samples, not for the picture.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ..client import (
    Client,
    ClientEvent,
    ConnectionChanged,
    EventReceived,
    RoundTrip,
    SentBatch,
    StateChanged,
)
from ..client.sync import SyncClient
from ..errors import UsageError
from ..loops.monitor import LoopMonitor, Stall
from .base.bundle import page_script, page_style
from .base.live_widget import LiveWidget
from .chart_image import COLORS, still_chart
from .chart_series import CLIENT_UNITS, ChartSeries

__all__ = ["LiveChart"]

PERIOD = 0.04
"""Seconds between two messages at least: 25 Hz."""
MAX_LINES = 8
MAX_OFFERED = 40
"""Fields of one event, or of one section of the state, that are offered."""
MAX_EVENTS = 60
"""Events whose fields are offered; who invents names without end gets the first of them."""
DEFAULT_POINTS = 1000
MAX_POINTS = 20_000
MIN_STALL = 0.25
"""Seconds that a loop was held up, to be marked."""
MAX_MARKS = 200


class LiveChart(LiveWidget):
    """Lines that grow as values come, 25 times a second at most; with pause, zoom and a readout.
    More can be chosen on the page.

    Args:
        bot: what `mb.connect()`, `mb.sync.connect()` or `mb.demo()` has given.
        lines: up to 8 names: ``"section.field"`` of the state (``"pose.x"``), ``"event.field"`` of
            an event (``"telemetry.speed"``), ``"latency"`` of each ping (ms), ``"batch_size"`` of
            each batch sent, ``"loop_lag"``, for how long this client's loop was held up (ms).
            Without any: tension and coherence.
        points: how many values of each line are kept.
        framed: with the robot's name, its connection and a Stop of its own.

    Raises:
        UsageError: for a name that is none of these, or too many of them.
    """

    _esm = page_script("chart.js")
    _css = page_style("chart.css")
    _description = "a live chart"
    _period = PERIOD

    def __init__(
        self,
        bot: Client | SyncClient,
        *lines: str,
        points: int = DEFAULT_POINTS,
        framed: bool = True,
    ) -> None:
        names = lines or ("neural_state.tension", "neural_state.coherence")
        if len(set(names)) != len(names) or len(names) > MAX_LINES:
            raise UsageError(
                f"a live chart draws up to {MAX_LINES} different lines, not {list(names)}"
            )
        if not 10 <= points <= MAX_POINTS:
            raise UsageError(
                f"a live chart keeps 10 to {MAX_POINTS} points of a line, not {points!r}"
            )
        self._points = points
        self._lines: list[ChartSeries] = []
        self._by_event: dict[str, list[ChartSeries]] = {}
        for line in [ChartSeries(name, points) for name in names]:
            self._insert(line)
        self._fields: dict[str, tuple[frozenset[str], tuple[str, ...]]] = {}
        """Of each event that has been heard: all its keys, and the fields that are numbers."""
        self._marks: deque[dict[str, Any]] = deque(maxlen=MAX_MARKS)
        self._marks_sent = 0
        self._marks_made = 0
        self._began = time.monotonic()
        self._monitor: LoopMonitor | None = None
        self._stop_listening: Callable[[], None] | None = None
        self._lag_seen = self._began
        super().__init__(bot, framed=framed)
        self.client.home.post(self._take_state, self._began)

    def _detach(self) -> None:
        self._watch_loop(watch=False)
        super()._detach()

    def _watch_loop(self, *, watch: bool) -> None:
        """A thread looks for stalls while somebody looks at the chart."""
        if watch and self._monitor is None and not self._ended:
            self._monitor = LoopMonitor.of(self.client.home.loop)
            self._monitor.hold()
            self._stop_listening = self._monitor.listen(self._stalled)
        elif not watch and self._monitor is not None and self._stop_listening is not None:
            self._stop_listening()
            self._monitor.release()
            self._monitor = None

    def _insert(self, line: ChartSeries) -> None:
        taken = {other.color_index for other in self._lines}
        line.color_index = next(number for number in range(MAX_LINES) if number not in taken)
        self._lines.append(line)
        self._by_event.setdefault(line.source, []).append(line)

    def still_picture(self) -> bytes:
        return still_chart(
            [
                (line.name, list(line.times), list(line.values), line.color_index)
                for line in self._lines
            ]
        )

    def _alt(self) -> str:
        ends = [
            f"{line.name} {line.values[-1]:g}" if line.values else f"{line.name} unknown"
            for line in self._lines
        ]
        return f"a chart over time: {', '.join(ends)}"

    # What it follows, at home.

    def _on_event(self, event: ClientEvent | SentBatch) -> bool:
        match event:
            case EventReceived():
                return self._take_event(event)
            case StateChanged():
                return self._take_state(event.at)
            case RoundTrip():
                return self._take("latency", event.received, event.seconds * 1e3)
            case SentBatch():
                return self._take("batch_size", time.monotonic(), len(event.commands))
            case ConnectionChanged() if event.state != event.previous:
                self._mark(event.at, "back" if event.state == "connected" else "lost", event.state)
                return True
        return False

    def _take(self, source: str, at: float, value: float) -> bool:
        lines = self._by_event.get(source, ())
        for line in lines:
            line.add(at - self._began, value)
        return bool(lines)

    def _take_event(self, event: EventReceived) -> bool:
        self._note_fields(event.name, event.data)
        t, lines = event.at - self._began, self._by_event.get(event.name, ())
        return sum(line.from_event(event.data, t) for line in lines) > 0

    def _take_state(self, at: float) -> bool:
        state, t = self.client.state, at - self._began
        return sum(line.from_state(state, t) for line in self._lines) > 0

    def _mark(self, at: float, what: str, words: str, seconds: float = 0.0) -> None:
        t, seconds = round(at - self._began, 3), round(seconds, 3)
        self._marks.append({"t": t, "what": what, "words": words, "seconds": seconds})
        self._marks_made += 1

    def _stalled(self, stall: Stall) -> None:
        self._take("loop_lag", stall.end, stall.seconds * 1e3)
        if stall.seconds > MIN_STALL:
            self._mark(stall.begin, "stall", f"held up for {stall.seconds:.1f} s", stall.seconds)
            self._request_refresh()

    def _on_refresh(self, *, seen: bool) -> None:
        self._watch_loop(watch=seen)
        now = time.monotonic()
        if self._monitor is not None and "loop_lag" in self._by_event:
            self._take("loop_lag", now, self._monitor.lag(self._lag_seen, now) * 1e3)
        self._lag_seen = now
        if seen:
            self._send_new()

    # What else it can draw.

    def _note_fields(self, name: str, data: Any) -> None:
        """Remember which numbers an event carries, unless its fields are known."""
        if not isinstance(data, Mapping) or "." in name:
            return
        seen, numbers = self._fields.get(name, (frozenset(), ()))
        if seen >= data.keys() or (name not in self._fields and len(self._fields) >= MAX_EVENTS):
            return
        found = tuple(dict.fromkeys((*numbers, *_numbers_in(data))))
        self._fields[name] = (seen | data.keys(), found[:MAX_OFFERED])

    def _offers(self) -> list[tuple[str, list[str]]]:
        """The names of lines that can be added, in groups with a title."""
        state = [
            (f"State: {section}", section, (*_numbers_in(part),))
            for section, part in self.client.state.items()
        ]
        events = [(f"Event: {name}", name, fields) for name, (_, fields) in self._fields.items()]
        groups = [
            (title, [f"{source}.{field}" for field in fields][:MAX_OFFERED])
            for title, source, fields in state + events
        ]
        return [("The connection", list(CLIENT_UNITS)), *(group for group in groups if group[1])]

    def _on_request(self, kind: str, content: dict[str, Any]) -> None:
        name = str(content.get("name"))
        if kind == "offers":
            self.client.home.post(
                lambda: self._send_unthrottled({"kind": "offers", "offers": self._offers()})
            )
        elif kind == "add":
            self.client.home.post(self._add, ChartSeries(name, self._points))
        elif kind == "remove":
            self.client.home.post(self._remove, name)

    def _add(self, line: ChartSeries) -> None:
        if line.name in [other.name for other in self._lines]:
            self._show_status(f"{line.name} is drawn already.")
        elif len(self._lines) >= MAX_LINES:
            self._show_status(
                f"A chart draws up to {MAX_LINES} lines: take one away first, with the cross "
                "beside its name.",
                error=True,
            )
        else:
            self._insert(line)
            line.from_state(self.client.state, time.monotonic() - self._began)
            self._status = {"text": "", "error": False}
            self._show_all()

    def _remove(self, name: str) -> None:
        for line in [line for line in self._lines if line.name == name]:
            self._lines.remove(line)
            self._by_event[line.source].remove(line)
        self._show_all()

    # To the page.

    def _send_new(self) -> None:
        """Send what is new: the times and values of each line in turn, as doubles."""
        counts = [len(line.new) // 2 for line in self._lines]
        new_marks = min(self._marks_made - self._marks_sent, len(self._marks))
        marks = list(self._marks)[len(self._marks) - new_marks :]
        if not any(counts) and not marks:
            return
        self._marks_sent = self._marks_made
        data = b"".join(line.take_new() for line in self._lines)
        self.send({"kind": "points", "counts": counts, "marks": marks, "now": self._now()}, [data])

    def _show_all(self) -> None:
        super()._show_all()
        self._watch_loop(watch=True)
        for line in self._lines:
            line.renew()
        self._marks_sent = self._marks_made - len(self._marks)
        self._send_unthrottled({"kind": "anew", "now": self._now()})
        self._send_new()

    def _now(self) -> float:
        return round(time.monotonic() - self._began, 3)

    def _initial_values(self) -> dict[str, Any]:
        state = self.client.state
        lines = [
            {
                "name": line.name,
                "unit": line.unit,
                "color": COLORS[line.color_index],
                "holds": line.source in state,
            }
            for line in self._lines
        ]
        offers = self._offers()
        return {"lines": lines, "points": self._points, "max_lines": MAX_LINES, "offers": offers}


def _numbers_in(value: Any, path: str = "") -> Iterator[str]:
    """The paths to all numbers in plain data, as "leds.0.2" without its section."""
    if isinstance(value, Mapping):
        parts = [(str(key), part) for key, part in value.items() if "." not in str(key)]
    elif isinstance(value, list):
        parts = [(str(at), part) for at, part in enumerate(value)]
    else:
        if path and isinstance(value, (int, float)):
            yield path
        return
    for key, part in parts:
        yield from _numbers_in(part, f"{path}.{key}" if path else key)
