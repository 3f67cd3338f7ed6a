"""The live card: how a robot is, where it is, and a button that stops it.

    mb.widgets.Card(bot)

Everything goes as custom messages, a few numbers at a time: at most ten a second, only what has changed, and only while
somebody looks. A click may arrive in any thread and while a cell runs; the stop acts right there.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Coroutine
from math import hypot, isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import anywidget
import traitlets

from ..errors import MbotError, UsageError
from ..sync import SyncClient
from .picture import picture

if TYPE_CHECKING:
    import asyncio

    from ..client import Client
    from ..subscriptions import Event, Subscription

__all__ = ["Card"]

_log = logging.getLogger("mbot_nb")
_HERE = Path(__file__).parent

PERIOD = 0.1
"""Seconds between two messages at least: 10 Hz, as often as telemetry comes."""
LEASE = 75.0
"""Seconds for which a view counts as seen after it has last said so. It says so every 30 s; a page that vanished does not."""
STEP = 0.5
"""Points of the path lie at least this far apart, cm."""
MOST_POINTS = 1500


class Card(anywidget.AnyWidget):
    """A live card of one robot: connection, mode, position, latency, the arena from above, and Stop.

    It can be shown any number of times, and costs nothing while no view of it is on the screen. It ends with its client;
    :meth:`close` takes it off the page before.

    Args:
        bot: what `mb.connect()`, `mb.sync.connect()` or `mb.demo()` has given.
    """

    # The texts, not the paths: anywidget watches a file for its developer, and so holds every card for ever.
    _esm = (_HERE / "card.js").read_text(encoding="utf-8")
    _css = (_HERE / "card.css").read_text(encoding="utf-8")

    snapshot = traitlets.Dict().tag(sync=True)
    """What a page without a kernel draws; set when the card is made. What is live goes as messages."""

    _ended_cards: ClassVar[list[Card]] = []

    def __init__(self, bot: Client | SyncClient) -> None:
        client = bot.client if isinstance(bot, SyncClient) else bot
        if not hasattr(client, "connection_state"):
            raise UsageError(f"a card shows a robot, as `await mb.connect()` gives it, and not {type(client).__name__}")
        self._client = client
        self._views: dict[str, float] = {}
        self._path: deque[tuple[float, float]] = deque(maxlen=MOST_POINTS)
        self._path_is_new = False
        self._sent: dict[str, Any] = {}
        self._said: dict[str, Any] = {"text": "", "error": False}
        self._timer: asyncio.TimerHandle | None = None
        self._last_look = 0.0
        self._ended = False
        self._follow()
        super().__init__(snapshot=self._everything())
        self.on_msg(self._received)
        self._untap = client.tap(self._touch)
        self._subscription: Subscription | None = client.subscribe("connection", self._connection_changed)
        for card in [card for card in Card._ended_cards if not card._views]:
            card.close()
        if client.connection_state == "disconnected":
            self._end("This client was closed. A new one: bot = await mb.connect()")

    def __repr__(self) -> str:
        return f"<card of {repr(self._client)[1:-1]}>"

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """The live view; and, for a page without a kernel, a picture and words of now."""
        bundle = super()._repr_mimebundle_(**kwargs)
        if bundle is None:
            return None
        data, metadata = bundle
        everything = self._everything()
        data["text/plain"] = repr(self)
        data["image/png"] = picture(everything)
        return data, {**metadata, "image/png": {"alt": f"{self!r}, seen from above"}}

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
        """Take it off the page, and follow its client no more. Once more changes nothing."""
        if hasattr(self, "_untap"):  # one that was refused is closed, too, when it is collected
            self._client.home.post(self._let_go)
            self._views.clear()
            Card._ended_cards[:] = [card for card in Card._ended_cards if card is not self]
            if self.comm is not None:
                self.layout.close()  # a model of its own, which nobody else closes
        super().close()

    def end(self, why: str) -> None:
        """Follow the client no more, and let the page say why; it goes when nobody looks at it. From any thread."""
        self._client.home.post(self._end, why)

    def refresh_snapshot(self) -> None:
        """Let a page without a kernel draw what is now."""
        self.snapshot = self._everything()

    # From the page, in any thread.

    def _received(self, _: object, content: Any, __: object) -> None:
        kind = content.get("kind") if isinstance(content, dict) else None
        if kind == "stop":
            self._stop()
        elif kind in ("show", "hide", "gone"):
            self._client.home.post(self._heard, kind, str(content.get("view")), bool(content.get("fresh")))

    def _stop(self) -> None:
        """Stop here and now: a stop waits for no loop. Only its answer does."""
        try:
            stopped = self._client.stop()
            self._say("Stop is given.")
            self._client.home.submit(self._tell(stopped))
        except Exception as error:
            _log.debug("the card's stop failed", exc_info=error)
            self._say(f"Not stopped: {error}", error=True)

    async def _tell(self, stopped: Coroutine[Any, Any, Any]) -> None:
        """Say on the page what became of a stop."""
        try:
            await stopped
        except MbotError as error:
            self._say(str(error), error=True)
        else:
            self._say("Stopped.")

    def _say(self, text: str, *, error: bool = False) -> None:
        self._said = {"text": text, "error": error}
        self.send({"kind": "said", **self._said})

    # From the client; all at its home.

    def _heard(self, kind: str, view: str, fresh: bool) -> None:
        """A view has come, is still there, is out of sight, or has gone."""
        now = time.monotonic()
        if kind == "show":
            known = now - self._views.get(view, float("-inf")) < LEASE
            self._views[view] = now
            if fresh or not known:
                self._follow()
                self._sent = self._everything()
                self.send({"kind": "all", **self._sent, "said": self._said})
                self._path_is_new = False
            return
        self._views.pop(view, None)
        if kind == "gone" and self._ended and not self._views:
            self.close()

    def _touch(self, _: object = None) -> None:
        """Something has happened: look what it changed, soon."""
        if self._timer is None and not self._ended:
            loop = self._client.home.loop
            self._timer = loop.call_at(max(loop.time(), self._last_look + PERIOD), self._look)

    def _look(self) -> None:
        self._timer = None
        self._last_look = self._client.home.loop.time()
        self._follow()
        if not self.seen:
            return
        now = self._values()
        if self._path_is_new:
            now["path"] = list(self._path)
            self._path_is_new = False
        changed = {name: value for name, value in now.items() if value != self._sent.get(name)}
        if changed:
            self._sent.update(changed)
            self.send({"kind": "changed", **changed})

    def _connection_changed(self, event: Event) -> None:
        if event["state"] == "disconnected":
            self._end("This client was closed. A new one: bot = await mb.connect()")
        elif event["resumed"] is False:
            # Another robot, or the same one born again: its way is a new one.
            self._path.clear()
            self._path_is_new = True
            self._touch()

    def _end(self, why: str) -> None:
        if self._ended:
            return
        self._let_go()
        if why:
            self._say(why)
        self.send({"kind": "changed", "connection": "closed", "note": "", "ended": True})
        self._sent["connection"] = "closed"
        # Its place on the page is kept until nobody looks; one that never had a view goes when the next card is made.
        Card._ended_cards.append(self)

    def _let_go(self) -> None:
        self._ended = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._untap()
        if self._subscription is not None:
            self._subscription.cancel()
            self._subscription = None

    # What is shown.

    def _follow(self) -> None:
        """Note where the robot is."""
        pose = self._pose()
        if pose is not None:
            x, y, _ = pose
            if not self._path or hypot(x - self._path[-1][0], y - self._path[-1][1]) >= STEP:
                self._path.append((x, y))

    def _pose(self) -> tuple[float, float, float] | None:
        pose = self._client.state.get("pose")
        try:
            place = (float(pose["x"]), float(pose["y"]), float(pose["heading"]))  # type: ignore[index]
        except (TypeError, KeyError, ValueError):
            return None  # a robot that does not know where it is
        return (round(place[0], 1), round(place[1], 1), round(place[2], 1)) if all(map(isfinite, place)) else None

    def _values(self) -> dict[str, Any]:
        """What may change ten times a second."""
        client, state = self._client, self._client.state.to_dict()
        mind = state.get("neural_state") or {}
        latency = client.latency
        return {
            "robot": str(client.metadata.get("robotId", "robot")),
            "connection": "closed" if self._ended else client.connection_state,
            "note": self._note(),
            "mode": mind.get("mode"),
            "tension": _rounded(mind.get("tension"), 2),
            "pose": self._pose(),
            "moving": bool((state.get("motors") or {}).get("moving")),
            "latched": state.get("latch") is not None,
            "latency": _rounded(latency.last * 1e3, 2) if latency.count else None,
            "arena": state.get("arena"),
        }

    def _note(self) -> dict[str, Any] | str:
        """Why there is no connection, in numbers or words."""
        client = self._client
        if client.connected or self._ended:
            return ""
        at = client.next_attempt_at
        wait = None if at is None else round(max(0.0, at - time.monotonic()), 1)
        if client.connection_state == "error":
            return "given up; `await bot.reconnect()` tries again"
        return {"attempt": client.reconnect_attempts + (wait is not None), "wait": wait}

    def _everything(self) -> dict[str, Any]:
        return {**self._values(), "path": list(self._path), "ended": self._ended}


def _rounded(value: Any, digits: int) -> float | None:
    return round(value, digits) if isinstance(value, (int, float)) and isfinite(value) else None
