"""Handlers of events: plain or async, in order, one at a time, and none of them can stop the others."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from msgspec import Struct

from .home import Home

__all__ = ["Event", "EventStream", "Handler", "Subscription", "Subscriptions", "same_place"]

_log = logging.getLogger("mbot_nb")


class Event(Struct, frozen=True, kw_only=True):
    """Something that happened: its ``name`` and ``data``; ``time`` is Unix seconds at the sender, ``received`` monotonic
    seconds here, ``sequence`` its number in the session (None for telemetry and for what the client itself reports)."""

    name: str
    data: Any = None
    sequence: int | None = None
    time: float = 0.0
    received: float = 0.0

    def __getitem__(self, key: str) -> Any:
        return self.data[key]

    def __repr__(self) -> str:
        return f"<event {self.name}: {self.data}>"


Handler = Callable[[Event], Any]


class Subscription:
    """One handler of one event. Call it, or its :meth:`cancel`, to stop listening."""

    MAX_WAITING = 10_000

    def __init__(self, owner: Subscriptions, event: str, handler: Handler) -> None:
        self.event = event
        self.handler = handler
        self.missed = 0
        """Events dropped because an async handler was too slow for them."""
        self._owner = owner
        self._waiting: deque[Event] = deque()
        self._busy = False
        self.active = True

    def __repr__(self) -> str:
        name = getattr(self.handler, "__qualname__", repr(self.handler))
        return f"<{name} listens to {self.event!r}>" if self.active else f"<{name} does not listen any more>"

    def __call__(self) -> None:
        self.cancel()

    def cancel(self) -> None:
        """Stop listening. Once more changes nothing."""
        self.active = False
        self._waiting.clear()
        self._owner.remove(self)

    def deliver(self, event: Event) -> None:
        """Give the handler one event, after those it is still at work on."""
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
            self._owner.failed(self, event, error)
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
                    except Exception as error:
                        self._owner.failed(self, event, error)
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
        """Listen. The same handler, or the same cell run again, replaces its earlier self."""
        several = self._by_event.setdefault(event, [])
        for old in list(several):
            if same_place(old.handler, handler):
                old.cancel()
        subscription = Subscription(self, event, handler)
        self._by_event.setdefault(event, []).append(subscription)
        return subscription

    def remove(self, subscription: Subscription) -> None:
        several = self._by_event.get(subscription.event, [])
        if subscription in several:
            several.remove(subscription)

    def deliver(self, event: Event) -> None:
        """Call everybody who listens to this event, in the order in which they came, then those who listen to all."""
        several = self._by_event.get(event.name)
        if several:
            for subscription in tuple(several):
                subscription.deliver(event)
        everything = self._by_event.get("*")
        if everything:
            for subscription in tuple(everything):
                subscription.deliver(event)

    def failed(self, subscription: Subscription, event: Event, error: Exception) -> None:
        """Say where a handler failed, once the loop goes on."""
        self.errors.append((subscription, event, error))
        name = getattr(subscription.handler, "__qualname__", repr(subscription.handler))
        _log.error(
            "your handler %s failed on %r with %s: %s. Everything else goes on; mend it and run its cell again.",
            name,
            event.name,
            type(error).__name__,
            error,
            exc_info=error,
        )


def same_place(old: Any, new: Any) -> bool:
    """Whether a handler is an earlier one again: itself, or what the same cell made when it was run before.

    A function of a notebook's top level is known by its name. A lambda, or a function made inside another, is known by the
    place of its code and what it holds, so that handlers made in a loop stay apart.
    """
    if old is new or old == new:
        return True
    if not (inspect.isfunction(old) and inspect.isfunction(new)):
        return False
    if (old.__module__, old.__qualname__) != (new.__module__, new.__qualname__):
        return False
    if new.__qualname__.isidentifier():
        return True
    place = ("co_filename", "co_firstlineno", "co_code")
    if any(getattr(old.__code__, part) != getattr(new.__code__, part) for part in place):
        return False
    held = [[cell.cell_contents for cell in function.__closure__ or ()] for function in (old, new)]
    return bool(held[0] == held[1] and old.__defaults__ == new.__defaults__)


class EventStream:
    """What `bot.events()` gives: `async for event in bot.events("telemetry")`, from any loop.

    Keeps at most ``maxlen`` events that were not taken yet; ``missed`` counts the older ones dropped for newer.
    """

    def __init__(self, subscriptions: Subscriptions, name: str, maxlen: int) -> None:
        self.missed = 0
        self._name = name
        self._home = subscriptions.home
        self._kept: deque[Event] = deque(maxlen=maxlen)
        self._waiters: deque[asyncio.Future[None]] = deque()
        self._ended = False
        self._subscription = Subscription(subscriptions, name, self._take)
        subscriptions._by_event.setdefault(name, []).append(self._subscription)

    def __repr__(self) -> str:
        return f"<events {self._name!r}: {len(self._kept)} waiting, {self.missed} missed>"

    def __aiter__(self) -> EventStream:
        return self

    async def __anext__(self) -> Event:
        if self._home.is_here:
            return await self._next()
        return await asyncio.wrap_future(self._home.submit(self._next()))

    async def aclose(self) -> None:
        """Stop listening."""
        self._home.post(self.end)

    def end(self) -> None:
        """No more events will come."""
        self._ended = True
        self._subscription.cancel()
        self._wake()

    def _take(self, event: Event) -> None:
        if len(self._kept) == self._kept.maxlen:
            if not self.missed:
                _log.warning("events(%r): nobody takes them fast enough, the oldest are dropped (see .missed)", self._name)
            self.missed += 1
        self._kept.append(event)
        self._wake()

    def _wake(self) -> None:
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)

    async def _next(self) -> Event:
        while not self._kept:
            if self._ended:
                raise StopAsyncIteration
            waiter = self._home.loop.create_future()
            self._waiters.append(waiter)
            await waiter
        return self._kept.popleft()
