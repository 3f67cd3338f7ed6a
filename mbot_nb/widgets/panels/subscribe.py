"""What the robot says: tick or type the events, see how often they come, look into each of them.

mb.widgets.SubscribePanel(bot)
"""

from __future__ import annotations

import inspect
import json
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from typing import Any

from ...client import Client
from ...client.subscriptions import Event, Handler, Subscription
from ...client.sync import SyncClient
from ...errors import UsageError
from ..base.bundle import page_script, page_style
from ..base.live_widget import LiveWidget
from .command import advised

__all__ = ["SubscribePanel"]

KNOWN_EVENTS = (
    "command_result",
    "connection",
    "drawing_complete",
    "error",
    "game_lost",
    "game_won",
    "gap",
    "inventory_updated",
    "personality_changed",
    "robot_stopped",
    "stimulus_detected",
    "telemetry",
)
CLIENT_EVENTS = ("connection", "gap")
"""What the client itself reports: no message brought them."""
MAX_ROWS = 500
"""Events in the log, here and on the page."""
MAX_ROWS_AT_ONCE = 60
"""Rows in one message; of older ones it only says how many there are."""
MAX_ROW_LENGTH = 110
"""Characters of an event in its row; all of it is a click away."""
RATE_WINDOW = 5
"""Seconds over which a rate is taken."""


class SubscribePanel(LiveWidget):
    """Subscribe to events by ticking or typing their names, and follow them in a log that is
    bounded, can pause and be filtered.

    Args:
        bot: what `mb.connect()`, `mb.sync.connect()` or `mb.demo()` has given.
        events: what is ticked at first; ``"*"`` is everything.
        framed: with the robot's name, its connection and a Stop of its own.
    """

    _esm = page_script("subscribe.js")
    _css = page_style("panel.css")
    _description = "an event panel"

    def __init__(
        self,
        bot: Client | SyncClient,
        events: list[str] | tuple[str, ...] = ("stimulus_detected", "connection"),
        *,
        framed: bool = True,
    ) -> None:
        if isinstance(events, str):
            raise UsageError(f'events is a list of names: write events=["{events}"]')
        self._ticked = dict.fromkeys(events)
        self._offered = dict.fromkeys((*KNOWN_EVENTS, *(name for name in events if name != "*")))
        self._counts: Counter[str] = Counter()
        self._by_second: deque[tuple[int, Counter[str]]] = deque(maxlen=RATE_WINDOW + 1)
        self._log: deque[tuple[int, Event]] = deque(maxlen=MAX_ROWS)
        self._last_sent = 0
        self._number = 0
        self._paused = False
        self._held_back = 0
        self._failures: deque[str] = deque(maxlen=5)
        self._handlers: list[Subscription] = []
        super().__init__(bot, framed=framed)
        # Beside whatever cells subscribe: a cell that is run again replaces its own handlers, not
        # this.
        self._listening = self.client.subscribe("*", self._on_robot_event, replace=False)

    def on(self, event: str, handler: Handler) -> Callable[[], None]:
        """Call ``handler(event)``, plain or async, at each event of this name; what it raises is
        shown in this panel.

        Returns what ends it; it also ends with the panel.
        """
        if not callable(handler):
            raise UsageError(
                f"on({event!r}, ...) needs a function to call, not {type(handler).__name__}: its "
                "name without ()"
            )

        def guarded(event: Event) -> Awaitable[None] | None:
            try:
                result = handler(event)
            except Exception as error:
                self._failed(event, handler, error)
                return None
            return finished(event, result) if inspect.isawaitable(result) else None

        async def finished(event: Event, result: Awaitable[Any]) -> None:
            try:
                await result
            except Exception as error:
                self._failed(event, handler, error)

        subscription = self.client.subscribe(event, guarded, replace=False)
        self._handlers.append(subscription)
        return subscription.cancel

    # At home.

    def _on_robot_event(self, event: Event) -> None:
        name = event.name
        self._counts[name] += 1
        self._offered.setdefault(name)
        second = int(event.received)
        if not self._by_second or self._by_second[-1][0] != second:
            self._by_second.append((second, Counter()))
        self._by_second[-1][1][name] += 1
        if name in self._ticked or "*" in self._ticked:
            if self._paused:
                self._held_back += 1
            else:
                self._number += 1
                self._log.append((self._number, event))
        self._request_refresh()

    def _failed(self, event: Event, handler: Handler, error: BaseException) -> None:
        name = getattr(handler, "__qualname__", repr(handler))
        self._failures.append(f"Your handler {name} failed on {event.name!r}. {advised(error)}")
        self._request_refresh()

    def _values(self) -> dict[str, Any]:
        rates, ticked = self._rates(), self._ticked
        values: dict[str, Any] = {
            "events": [
                [name, self._counts[name], round(rates[name] / RATE_WINDOW, 1), name in ticked]
                for name in sorted(self._offered)
            ],
            "all": "*" in self._ticked,
            "paused": self._paused,
            "held_back": self._held_back,
            "failures": list(self._failures),
        }
        new = min(self._number - self._last_sent, len(self._log), MAX_ROWS_AT_ONCE)
        rows = [_row(*self._log[-back]) for back in range(new, 0, -1)]
        if rows and (more := self._number - self._last_sent - len(rows)):
            rows.insert(
                0, [None, None, "", f"{more} more came before these, too many at once to list"]
            )
        self._last_sent = self._number
        return values | {"rows": rows} if rows else values

    def _initial_values(self) -> dict[str, Any]:
        return {"rows": [_row(number, event) for number, event in self._log]}

    def _on_refresh(self, *, seen: bool) -> None:
        """While something came lately, look again in a second: the rates fall."""
        if seen and self._rates():
            self._refresh_in(1.0)

    def _rates(self) -> Counter[str]:
        now = int(self.client.home.loop.time())
        rates: Counter[str] = Counter()
        for second, counts in self._by_second:
            if now - RATE_WINDOW <= second < now:
                rates.update(counts)
        # The second that runs counts, too, when it is all there is: so that a look comes again.
        if self._by_second and self._by_second[-1][0] >= now:
            rates.update(dict.fromkeys(self._by_second[-1][1], 0))
        return rates

    # From the page, in any thread.

    def _on_request(self, kind: str, content: dict[str, Any]) -> None:
        self.client.home.post(self._do, kind, content)

    def _do(self, kind: str, content: dict[str, Any]) -> None:
        name = str(content.get("event", ""))[:128].strip()
        if kind == "tick" and name:
            if content.get("on"):
                self._ticked[name] = None
                if name != "*":
                    self._offered.setdefault(name)
            else:
                self._ticked.pop(name, None)
        elif kind == "pause":
            self._paused = bool(content.get("on"))
            self._held_back = 0
        elif kind == "clear":
            self._log.clear()
            self._failures.clear()
            self._show_all()
        elif kind == "frame":
            wanted = content.get("number")
            found = next((event for number, event in self._log if number == wanted), None)
            self._send_unthrottled({"kind": "frame", "number": wanted, "text": _frame(found)})
        self._request_refresh()

    def _detach(self) -> None:
        super()._detach()
        if hasattr(self, "_listening"):
            self._listening.cancel()
        for handler in self._handlers:
            handler.cancel()


def _row(number: int, event: Event) -> list[Any]:
    text = json.dumps(event.data, ensure_ascii=False, default=str)
    if len(text) > MAX_ROW_LENGTH:
        text = text[: MAX_ROW_LENGTH - 1] + "…"
    return [number, round(event.time, 3), event.name, text]


def _frame(event: Event | None) -> str:
    if event is None:
        return "It is not kept any more."
    if event.name in CLIENT_EVENTS:
        return (
            json.dumps(event.data, indent=2, default=str)
            + "\n\nThe client's own event: no message brought it."
        )
    return json.dumps(event.message(), indent=2, ensure_ascii=False, default=str)
