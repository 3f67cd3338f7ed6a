"""When was the event loop blocked, and for how long? Watched from a thread that no cell can block.

A probe inside a blocked loop sees nothing of the block. So a thread asks the loop, again and again,
to call back; the time until it does is the time for which the loop did nothing else. Beside each
round trip this tells a cell's `time.sleep` from a slow network.
"""

from __future__ import annotations

import asyncio
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterable
from typing import NamedTuple

from ..local.runtime import Slot
from .home import Home

__all__ = ["LoopMonitor", "LoopMonitors", "Stall"]

INTERVAL = 0.02
"""Seconds between two questions: a block that is shorter may be missed."""
MIN_STALL = 0.001
"""Seconds: what is shorter is the ordinary way from one thread to another."""
LATE_PROBE = 0.01
"""A question asked later than this was itself held up, by code that keeps the interpreter from
switching threads."""
MAX_STALLS = 10_000


class Stall(NamedTuple):
    """The loop was blocked from ``begin`` to ``end`` (`time.monotonic()` seconds)."""

    begin: float
    end: float
    on_io_thread: bool = False
    """Whether it was the loop of the I/O thread, which is not a cell's."""

    @property
    def seconds(self) -> float:
        """How long."""
        return self.end - self.begin

    @property
    def loop(self) -> str:
        """Which one, in the words of all tables and metadata."""
        return "I/O thread" if self.on_io_thread else "the caller's loop"


class LoopMonitor:
    """Watches one event loop while somebody needs it: between :meth:`hold` and the last
    :meth:`release`.

    There is one for each loop, :meth:`of`. Its thread ends when nobody holds it, or when the loop
    is closed. Everything may be called from any thread. Times are `time.monotonic()` seconds.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, *, interval: float = INTERVAL) -> None:
        self.interval = interval
        self._loop = weakref.ref(loop)
        self._lock = threading.Lock()
        self._holders = 0
        self._prober: _Prober | None = None
        self._stalls: deque[Stall] = deque(maxlen=MAX_STALLS)
        self._listeners: list[Callable[[Stall], None]] = []

    def __repr__(self) -> str:
        if not self.watching:
            return "<LoopMonitor, idle>"
        return f"<LoopMonitor: {len(self._stalls)} stalls seen>"

    @classmethod
    def of(cls, loop: asyncio.AbstractEventLoop) -> LoopMonitor:
        """The monitor of this loop."""
        monitors = _monitors()
        return monitors.get(loop) or monitors.setdefault(loop, cls(loop))

    @property
    def watching(self) -> bool:
        """Whether its thread asks now."""
        return self._prober is not None

    def hold(self) -> None:
        """Start to watch, or keep watching."""
        with self._lock:
            self._holders += 1
            if self._prober is None:
                self._prober = _Prober(self)

    def release(self) -> None:
        """Undo one :meth:`hold`; the last one ends the thread."""
        with self._lock:
            self._holders -= 1
            if self._holders <= 0 and self._prober is not None:
                self._holders = 0
                self._prober.stop()
                self._prober = None

    def listen(self, listener: Callable[[Stall], None]) -> Callable[[], None]:
        """Call ``listener(stall)`` on the loop when a stall has ended; returns what ends that."""
        self._listeners.append(listener)

        def end() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return end

    def lag(self, begin: float, end: float) -> float:
        """The longest time, in seconds, for which the loop is known to have been blocked within
        ``begin`` to ``end``.

        A question that the loop has not answered yet counts as well. What is shorter than 1 ms is
        0.
        """
        longest = 0.0
        pending = self.pending
        if pending is not None:
            longest = max(longest, min(end, time.monotonic()) - max(begin, pending))
        stalls = self._stalls
        # By index: the loop may append while another thread reads.
        for back in range(1, len(stalls) + 1):
            stall = stalls[-back]
            if stall.end < begin:
                break
            longest = max(longest, min(end, stall.end) - max(begin, stall.begin))
        return longest if longest >= MIN_STALL else 0.0

    def longest(self, begin: float, end: float) -> float:
        """The seconds of the longest stall that ended within ``begin`` to ``end``, or has not ended
        yet; from its beginning."""
        pending = self.pending
        unanswered = [] if pending is None else [end - pending]
        return max(
            [stall.seconds for stall in self.stalls(begin) if stall.end <= end] + unanswered,
            default=0.0,
        )

    @property
    def pending(self) -> float | None:
        """Since when the loop owes an answer, or None. It does for a moment also when nothing
        blocks it."""
        prober = self._prober
        return None if prober is None else prober.asked

    @property
    def on_io_thread(self) -> bool:
        """Whether its loop is that of the I/O thread."""
        loop = self._loop()
        return loop is not None and Home.is_io_loop(loop)

    def stalls(self, since: float = float("-inf")) -> list[Stall]:
        """The stalls that ended after ``since``, the last 10,000 at most."""
        return [stall for stall in tuple(self._stalls) if stall.end > since]

    def _on_answer(self, asked: float, answered: float) -> None:
        if answered - asked < MIN_STALL:
            return
        stall = Stall(asked, answered, self.on_io_thread)
        self._stalls.append(stall)
        for listener in tuple(self._listeners):
            listener(stall)


_monitors: Slot[weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, LoopMonitor]] = Slot(
    weakref.WeakKeyDictionary
)


class LoopMonitors:
    """Watches several loops, those that a message passes, from :meth:`watch` until :meth:`end`.

    ``on_stall(stall)`` is called in the thread of the loop that was blocked.
    """

    def __init__(self, on_stall: Callable[[Stall], None]) -> None:
        self._on_stall = on_stall
        self._watched: dict[LoopMonitor, Callable[[], None]] = {}

    def watch(self, loops: Iterable[asyncio.AbstractEventLoop]) -> None:
        """Watch these from now on, and no others."""
        wanted = {LoopMonitor.of(loop) for loop in loops}
        for monitor in self._watched.keys() - wanted:
            self._watched.pop(monitor)()
            monitor.release()
        for monitor in wanted - self._watched.keys():
            monitor.hold()
            self._watched[monitor] = monitor.listen(self._on_stall)

    def end(self) -> None:
        """Watch none any more."""
        self.watch(())

    @property
    def interval(self) -> float:
        """Seconds within which a block that has ended is known."""
        return max((monitor.interval for monitor in self._watched), default=0.0)

    def lag(self, begin: float, end: float) -> float:
        """As :meth:`LoopMonitor.lag`: the longest time for which one of them was blocked."""
        longest = 0.0
        for monitor in self._watched:
            lag = monitor.lag(begin, end)
            if lag > longest:
                longest = lag
        return longest

    def unfinished(self, now: float) -> list[Stall]:
        """For each loop that owes an answer now, the stall that this would be."""
        known = [(monitor.pending, monitor.on_io_thread) for monitor in self._watched]
        return [
            Stall(pending, now, on_io_thread)
            for pending, on_io_thread in known
            if pending is not None
        ]


class _Prober:
    """The thread of a monitor. It holds neither the monitor nor the loop, so that both can go while
    it still runs."""

    def __init__(self, monitor: LoopMonitor) -> None:
        self.asked: float | None = None
        self.end = threading.Event()
        self._monitor = weakref.ref(monitor)
        self._loop = monitor._loop
        self._interval = monitor.interval
        self._answer = threading.Event()
        threading.Thread(target=self._run, name="mbot_nb-monitor", daemon=True).start()

    def _run(self) -> None:
        due = time.monotonic()
        while not self.end.is_set():
            now = time.monotonic()
            # Nobody gets to run while C code holds the interpreter: then the block began when this
            # thread should have woken.
            self.asked = due if now - due > LATE_PROBE else now
            self._answer.clear()
            if not self._ask():
                return
            while not self._answer.wait(0.5):
                if self._is_stopped():
                    return
            due = time.monotonic() + self._interval
            self.end.wait(self._interval)

    def stop(self) -> None:
        """End the thread, also while the loop owes it an answer."""
        self.end.set()
        self._answer.set()

    def _is_stopped(self) -> bool:
        loop = self._loop()
        return self.end.is_set() or loop is None or loop.is_closed()

    def _ask(self) -> bool:
        loop = self._loop()
        if loop is None:
            return False
        try:
            loop.call_soon_threadsafe(self._pong)
        except RuntimeError:
            return False  # the loop is closed: there is nothing to watch any more
        return True

    def _pong(self) -> None:
        """On the loop: it is free again."""
        asked, self.asked = self.asked, None
        monitor = self._monitor()
        if asked is not None and monitor is not None:
            monitor._on_answer(asked, time.monotonic())
        self._answer.set()
