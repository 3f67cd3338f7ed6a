"""What all live widgets are made of: values that go to the page as they change, views that come and
go, an end.

Everything goes as custom messages: what has changed, as often as the widget's period allows, and
only while somebody looks. A message from the page may arrive in any thread and while a cell runs; a
stop acts right there.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Coroutine, Sequence
from math import isfinite
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets

from ...client import ConnectionChanged, RoundTrip
from ...client.sync import SyncClient
from ...errors import MbotError, UsageError
from ...local.runtime import Slot
from ...state import StateView
from . import rerun
from .send_budget import budget
from .stop_control import StopControl, unreachable

if TYPE_CHECKING:
    import asyncio

    from ...client import Client, ClientEvent, SentBatch

__all__ = ["LiveWidget", "ended_widgets", "rounded"]

_log = logging.getLogger("mbot_nb")

PERIOD = 0.1
"""Seconds between two messages at least: 10 Hz, as often as telemetry comes."""
LEASE = 75.0
"""Seconds for which a view counts as seen; it renews that every 30 s, a lost page does not."""
CLOSED = "This client was closed. A new one: bot = await mb.connect()"


class LiveWidget(anywidget.AnyWidget):
    """A live view of one robot. It can be shown any number of times, and costs nothing while none
    is on a screen.

    It ends with its client; :meth:`close` takes it off the page before. A subclass gives
    :meth:`_values`, and may look at what happens (:meth:`_on_event`) and at what its page asks
    (:meth:`_on_request`). What it needs of its own it sets before it calls this constructor.

    Args:
        bot: what `mb.connect()`, `mb.sync.connect()` or `mb.demo()` has given.
        framed: with the robot's name, its connection and a Stop of its own; without for one inside
            of a panel that has them.
    """

    _description = "a live widget"
    """What it is, in its messages."""
    _period = PERIOD

    snapshot = traitlets.Dict().tag(sync=True)
    """What a page without a kernel draws; what is live goes as messages."""

    def __init__(self, bot: Client | SyncClient, *, framed: bool = True) -> None:
        client = bot.client if isinstance(bot, SyncClient) else bot
        if not hasattr(client, "connection_state"):
            raise UsageError(
                f"{self._description} shows a robot, as `await mb.connect()` gives it, and not "
                f"{type(client).__name__}"
            )
        self.client = client
        """The client that it follows; not to be set by others."""
        self._framed = framed
        self._views: dict[str, float] = {}
        self._sent: dict[str, Any] = {}
        self._status: dict[str, Any] = {"text": "", "error": False}
        self._timer: asyncio.TimerHandle | None = None
        self._last_refresh = 0.0
        self._ended = False
        self._latency_ms = rounded(client.latency.last * 1e3, 2) if client.latency.count else None
        self._stop_control = StopControl(client, self._show_status, self._request_refresh)
        super().__init__(snapshot=self._all_values())
        self.on_msg(self._on_page_message)
        self._untap = client.tap(self._on_client_event)
        for widget in [widget for widget in ended_widgets() if not widget._views]:
            widget.close()
        if client.connection_state == "disconnected":
            self._end(CLOSED)
        if framed:
            # A cell that is run again shows its own; what its earlier run showed would listen for
            # ever.
            rerun.end_earlier_runs(self)

    def __repr__(self) -> str:
        name = self._description.removeprefix("a ").removeprefix("an ")
        return f"<{name} of {repr(self.client)[1:-1]}>"

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """The live view; and, for a page without a kernel, a picture and words of now."""
        bundle = super()._repr_mimebundle_(**kwargs)
        if bundle is None:
            return None
        data, metadata = bundle
        data["text/plain"] = repr(self)
        still = self.still_picture()
        if still is not None:
            data["image/png"] = still
            metadata = {**metadata, "image/png": {"alt": self._alt()}}
        return data, metadata

    @property
    def ended(self) -> bool:
        """Whether it does not follow its client any more."""
        return self._ended

    @property
    def seen(self) -> bool:
        """Whether a view of it is on somebody's screen."""
        now = time.monotonic()
        return any(now - heard < LEASE for heard in self._views.values())

    def close(self) -> None:
        """Take the widget off the page, and stop following its client. Idempotent."""
        if hasattr(self, "_untap"):  # one that was refused is closed, too, when it is collected
            self.client.home.post(self._detach)
            self._views.clear()
            ended_widgets()[:] = [widget for widget in ended_widgets() if widget is not self]
            if self.comm is not None:
                self.layout.close()  # a model of its own, which nobody else closes
        super().close()

    def end(self, reason: str) -> None:
        """Follow the client no more, and say why on the page until it is left. From any thread."""
        self.client.home.post(self._end, reason)

    def refresh_snapshot(self) -> None:
        """Let a page without a kernel draw what is now."""
        self.snapshot = self._all_values()

    # What a subclass gives.

    def _values(self) -> dict[str, Any]:
        """Its own values that may change at every look: plain data, rounded to what is shown."""
        return {}

    def _initial_values(self) -> dict[str, Any]:
        """What a new view needs beside the values."""
        return {}

    def _on_event(self, event: ClientEvent | SentBatch) -> bool:
        """An event of `Client.tap`, on the home loop; returns whether to look at the values."""
        return True

    def _on_request(self, kind: str, content: dict[str, Any]) -> None:
        """The page asks something of this widget alone; in any thread."""

    def _connection_changed(self, state: str) -> None:
        """The connection has come to another state. At home."""
        if state == "disconnected":
            self._end(CLOSED)

    def _connected_anew(self) -> None:
        """The client has reached a server that does not know its session. On the home loop."""

    def _on_refresh(self, *, seen: bool) -> None:
        """Send what goes in binary: called at each refresh, seen or not. On the home loop."""

    def still_picture(self) -> bytes | None:
        """A PNG of now for a page without a kernel, or None."""
        return None

    def _alt(self) -> str:
        """The still picture in words."""
        return repr(self)

    # From the page, in any thread.

    def _on_page_message(self, _: object, content: Any, __: object) -> None:
        if not isinstance(content, dict):
            return
        kind = content.get("kind")
        self._stop_control.on_message()
        if kind in ("show", "hide", "gone"):
            view, fresh = str(content.get("view")), bool(content.get("fresh"))
            self.client.home.post(self._on_view, kind, view, fresh)
        elif kind == "clock":
            # The page learns how its clock and this one stand to each other.
            page, here = content.get("page"), time.monotonic() * 1e3
            self._send_unthrottled({"kind": "clock", "page": page, "here": here})
        elif kind == "route":
            self._send_unthrottled({"kind": "route", **self._stop_control.direct_route()})
        elif kind in ("stop", "emergency_stop", "release"):
            self._stop_control.act(kind, content.get("at"))
        elif isinstance(kind, str):
            try:
                self._on_request(kind, content)
            except Exception as error:
                self._report(error)

    # To the page.

    def _show_status(self, text: str, *, error: bool = False) -> None:
        """Say something on the page; from any thread."""
        self._status = {"text": text, "error": error}
        self._send_unthrottled({"kind": "status", **self._status})

    def _report(self, error: BaseException) -> None:
        """Say on the page what went wrong; from any thread."""
        words = str(error)
        if not isinstance(error, MbotError):
            _log.debug("%s failed", self._description, exc_info=error)
            words = f"{type(error).__name__}: {error}"
        self._show_status(words, error=True)

    def _send_unthrottled(
        self, content: dict[str, Any], buffers: Sequence[bytes] | None = None
    ) -> None:
        """Send what is not held back."""
        budget().take()
        self.send(content, buffers)

    def _run(self, coroutine: Coroutine[Any, Any, Any], done: str = "") -> None:
        """Run at home, and say on the page what it raises, or ``done``; from any thread."""

        async def run() -> None:
            try:
                await coroutine
            except Exception as error:
                self._report(error)
            else:
                if done:
                    self._show_status(done)

        self.client.home.submit(run())

    # From the client; all at its home.

    def _on_view(self, kind: str, view: str, fresh: bool) -> None:
        """A view has come, is still there, is out of sight, or has gone."""
        now = time.monotonic()
        if kind == "show":
            known = now - self._views.get(view, float("-inf")) < LEASE
            self._views[view] = now
            if fresh or not known:
                self._show_all()
            return
        self._views.pop(view, None)
        if kind == "gone" and self._ended and not self._views:
            self.close()

    def _show_all(self) -> None:
        """Send everything; what was sent before may be lost."""
        self._sent = self._all_values()
        self._send_unthrottled({"kind": "all", **self._sent, "status": self._status})

    def _on_client_event(self, event: ClientEvent | SentBatch) -> None:
        if isinstance(event, RoundTrip):
            self._latency_ms = rounded(event.seconds * 1e3, 2)
        elif isinstance(event, ConnectionChanged) and event.state != event.previous:
            self._stop_control.connection_changed()
            self._connection_changed(event.state)
            if event.resumed is False:
                self._connected_anew()
        if self._on_event(event):
            self._request_refresh()

    def _request_refresh(self) -> None:
        """Something has happened: look what it changed, soon. At home."""
        self._refresh_in(0.0)

    def _refresh_in(self, seconds: float) -> None:
        """Look in so many seconds, or before if that is planned already. At home."""
        if self._ended:
            return
        loop = self.client.home.loop
        at = max(loop.time() + seconds, self._last_refresh + self._period)
        if self._timer is not None:
            if self._timer.when() <= at:
                return
            self._timer.cancel()
        self._timer = loop.call_at(at, self._refresh)

    def _refresh(self) -> None:
        self._timer = None
        seen = self.seen
        if seen and (wait := budget().wait()):
            self._refresh_in(wait)
            return
        self._last_refresh = self.client.home.loop.time()
        self._on_refresh(seen=seen)
        if not seen:
            return
        now = {**self._common(), **self._values()}
        changed = {name: value for name, value in now.items() if value != self._sent.get(name)}
        if changed:
            self._sent.update(changed)
            self.send({"kind": "changed", **changed})

    def _send_values(self) -> None:
        """Send the widget's own values now."""
        now = self._values()
        self._sent.update(now)
        self._send_unthrottled({"kind": "changed", **now})

    def _end(self, reason: str) -> None:
        if self._ended:
            return
        self._detach()
        if reason:
            self._show_status(reason)
        closed = {"connection": "closed", "note": "", "ended": True}
        self._send_unthrottled({"kind": "changed", **closed})
        self._sent["connection"] = "closed"
        # Its place on the page is kept until nobody looks; one that never had a view goes when the
        # next widget is made.
        ended_widgets().append(self)

    def _detach(self) -> None:
        self._ended = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._stop_control.end()
        self._untap()

    # What all of them show.

    def _common(self) -> dict[str, Any]:
        client = self.client
        return {
            "robot": str(client.metadata.get("robotId", "robot")),
            "connection": "closed" if self._ended else client.connection_state,
            "unreachable": client.connected and self._unreachable() is not None,
            "note": self._note(),
            "latched": client.state.get("latch") is not None,
            "latency": self._latency_ms,
            "last_stop": self._stop_control.last_stop,
            "stop_availability": self._stop_control.availability,
        }

    def _section(self, name: str) -> Any:
        """A part of the robot's state as plain data, a copy; None if there is none."""
        part = self.client.state.get(name)
        return part.to_dict() if isinstance(part, StateView) else part

    def _note(self) -> dict[str, Any] | str:
        """Why there is no connection, in numbers or words."""
        client = self.client
        if self._ended:
            return ""
        if client.connected:
            lost = self._unreachable()
            return f"the robot is out of reach: {lost['reason']}" if lost else ""
        if client.connection_state == "error":
            return "given up; `await bot.reconnect()` tries again"
        return self._next_attempt()

    def _next_attempt(self) -> dict[str, Any]:
        """The next ``attempt`` to connect and the seconds to ``wait``; None while it is made."""
        at = self.client.next_attempt_at
        return {
            "attempt": self.client.reconnect_attempts + (at is not None),
            "wait": None if at is None else round(max(0.0, at - time.monotonic()), 1),
        }

    def _unreachable(self) -> dict[str, Any] | None:
        """Of a robot that its server cannot reach by its cable: the ``reason``, the next
        ``attempt`` and the ``wait`` for it."""
        connection = unreachable(self.client)
        if connection is None:
            return None
        at = connection.get("next_attempt_at")
        return {
            "reason": connection.get("reason", ""),
            "attempt": None if at is None else connection.get("attempts", 0) + 1,
            "wait": None if at is None else round(max(0.0, at / 1000 - time.time()), 1),
        }

    def _all_values(self) -> dict[str, Any]:
        return {
            **self._common(),
            **self._values(),
            **self._initial_values(),
            "framed": self._framed,
            "ended": self._ended,
        }


ended_widgets: Slot[list[LiveWidget]] = Slot(list)
"""Those that have ended and are still on a page."""


def rounded(value: Any, digits: int) -> float | None:
    """A number for the page; None for what is none."""
    return round(value, digits) if isinstance(value, (int, float)) and isfinite(value) else None
