"""Handlers of events: plain or async, in order, one at a time, and none of them can stop the
others."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import logging
import weakref
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from msgspec import Struct

from ..errors import UsageError
from ..jupyter.cells import Cell, current
from ..jupyter.handlers import is_cancelled, is_replacement
from ..loops.call import call
from ..loops.home import Home

__all__ = [
    "Event",
    "EventStream",
    "Handler",
    "Subscription",
    "Subscriptions",
]

_log = logging.getLogger("mbot_nb")


class Event(Struct, frozen=True, kw_only=True):
    """Something that happened: its ``name`` and ``data``; ``time`` is Unix seconds at the sender,
    ``received`` monotonic seconds here, ``sequence`` its number in the session (None for telemetry
    and for what the client itself reports)."""

    name: str
    data: Any = None
    sequence: int | None = None
    time: float = 0.0
    received: float = 0.0

    def __getitem__(self, key: str) -> Any:
        return self.data[key]

    def __repr__(self) -> str:
        return f"<event {self.name}: {self.data}>"

    def message(self) -> dict[str, Any]:
        """The message that brought it, as docs/protocol.md has it. What the client itself reports
        came in none."""
        message: dict[str, Any] = {
            "version": 2,
            "type": "event",
            "payload": {"event": self.name, "data": self.data},
        }
        message["timestamp"] = round(self.time * 1000)
        return message if self.sequence is None else message | {"sequence": self.sequence}


Handler = Callable[[Event], Any]


class Subscription:
    """One handler of one event. Call it, or its :meth:`cancel`, to stop listening."""

    MAX_WAITING = 10_000

    def __init__(
        self, owner: Subscriptions, event: str, handler: Handler, cell: Cell | None = None
    ) -> None:
        self.event = event
        self.handler = handler
        self.cell = cell
        """The notebook cell that made it."""
        self.missed = 0
        """Events dropped because an async handler was too slow for them."""
        self._owner = owner
        self._waiting: deque[Event] = deque()
        self._busy = False
        # What a handler prints is shown by a notebook below the cell that subscribed it, not below
        # the one that connected.
        self._context = contextvars.copy_context()
        self.active = True

    def __repr__(self) -> str:
        name = getattr(self.handler, "__qualname__", repr(self.handler))
        return (
            f"<{name} listens to {self.event!r}>"
            if self.active
            else f"<{name} does not listen any more>"
        )

    def __call__(self) -> None:
        self.cancel()

    def cancel(self) -> None:
        """Stop listening. Idempotent."""
        self.active = False
        self._waiting.clear()
        self._owner.remove(self)

    def deliver(self, event: Event) -> None:
        """Give the handler one event, after those it is still at work on."""
        if self.active:
            self._context.copy().run(self._deliver, event)

    def _deliver(self, event: Event) -> None:
        if self._busy:
            if len(self._waiting) >= self.MAX_WAITING:
                if not self.missed:
                    _log.warning("%r is too slow: events are dropped; make it shorter", self)
                self.missed += 1
                return
            self._waiting.append(event)
            return
        awaitable = self._call(event)
        if awaitable is not None:
            self._busy = True
            self._owner.home.spawn(self._work(event, awaitable), f"handler of {self.event}")

    def _call(self, event: Event) -> Awaitable[Any] | None:
        try:
            result = self.handler(event)
        except Exception as error:
            self._owner.report_failure(self, event, error)
            return None
        return result if inspect.isawaitable(result) else None

    async def _work(self, event: Event, awaitable: Awaitable[Any]) -> None:
        """Finish one async call, then whatever came meanwhile."""
        current: Awaitable[Any] | None = awaitable
        try:
            while True:
                if current is not None:
                    try:
                        await current
                    except (Exception, asyncio.CancelledError) as error:
                        if is_cancelled(error):
                            raise
                        self._owner.report_failure(self, event, error)
                if not self._waiting or not self.active:
                    return
                event = self._waiting.popleft()
                current = self._call(event)
        finally:
            self._busy = False


class Subscriptions:
    """All handlers of one client."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.errors: deque[tuple[Subscription, Event, BaseException]] = deque(maxlen=100)
        """The last failures of handlers."""
        self._by_event: dict[str, list[Subscription]] = {}

    def __iter__(self) -> Any:
        return iter([one for several in self._by_event.values() for one in several])

    def add(self, event: str, handler: Handler) -> Subscription:
        """Add a handler. The same handler, or the same cell run again, replaces the earlier one."""
        cell = current()
        for old in list(self._by_event.get(event, ())):
            if is_replacement(old.handler, old.cell, handler, cell):
                old.cancel()
        return self.listen(event, handler, cell)

    def listen(self, event: str, handler: Handler, cell: Cell | None = None) -> Subscription:
        """Add a handler beside all earlier ones."""
        subscription = Subscription(self, event, handler, cell)
        self._by_event.setdefault(event, []).append(subscription)
        return subscription

    def remove(self, subscription: Subscription) -> None:
        several = self._by_event.get(subscription.event, [])
        if subscription in several:
            several.remove(subscription)

    def deliver(self, event: Event) -> None:
        """Call the handlers of this event, in the order in which they subscribed, then those of all
        events."""
        for name in (event.name, "*"):
            for subscription in tuple(self._by_event.get(name, ())):
                subscription.deliver(event)

    def report_failure(
        self, subscription: Subscription, event: Event, error: BaseException
    ) -> None:
        """Say where a handler failed, once the loop goes on."""
        self.errors.append((subscription, event, error))
        name = getattr(subscription.handler, "__qualname__", repr(subscription.handler))
        _log.error(
            "your handler %s failed on %r with %s: %s. Everything else goes on; mend it and run "
            "its cell again.",
            name,
            event.name,
            type(error).__name__,
            error,
            exc_info=error,
        )


class EventStream:
    """What `bot.events()` gives: `async for event in bot.events("telemetry")`, from any loop.

    Keeps at most ``maxlen`` events that were not taken yet; ``missed`` counts the older ones
    dropped for newer. It listens until it is closed or collected, so a loop that is left with
    `break` leaves nothing behind.
    """

    def __init__(self, subscriptions: Subscriptions, name: str, maxlen: int) -> None:
        if maxlen < 1:
            raise UsageError(f"events(maxlen={maxlen}): it must keep at least one event")
        self.missed = 0
        self._name = name
        self.home = subscriptions.home
        self._kept: deque[Event] = deque(maxlen=maxlen)
        self._changed = asyncio.Event()
        self._ended = False
        stream = weakref.ref(self)

        def take(event: Event) -> None:
            alive = stream()
            if alive is not None:
                alive.take(event)

        self._subscription = subscriptions.listen(name, take)
        weakref.finalize(self, self._subscription.cancel).atexit = False

    def __repr__(self) -> str:
        return f"<events {self._name!r}: {len(self._kept)} waiting, {self.missed} missed>"

    def __aiter__(self) -> EventStream:
        return self

    async def __anext__(self) -> Event:
        if self.home.is_here:
            return await self._next()
        return await asyncio.wrap_future(self.home.submit(self._next()))

    @call
    async def aclose(self) -> None:
        """Stop listening."""
        self.end()

    def end(self) -> None:
        """Stop listening, and end the loops over it."""
        self._ended = True
        self._subscription.cancel()
        self._changed.set()

    def take(self, event: Event) -> None:
        """Keep one event until it is taken."""
        if len(self._kept) == self._kept.maxlen:
            if not self.missed:
                _log.warning(
                    "events(%r): they are not taken fast enough, the oldest are dropped (see "
                    ".missed)",
                    self._name,
                )
            self.missed += 1
        self._kept.append(event)
        self._changed.set()

    async def _next(self) -> Event:
        while not self._kept:
            if self._ended:
                raise StopAsyncIteration
            self._changed.clear()
            await self._changed.wait()
        return self._kept.popleft()
