"""Time: the state of everybody in a world as a function of the clock.

Nothing runs in the background. Whoever looks makes the simulation catch up, in fixed steps of 20 ms and at the exact
moments when motors are told something else, so the result does not depend on when or how often somebody looks. A look
between two steps sees a copy that is rolled on to the moment. When everybody rests, time costs nothing.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import inf
from typing import Any

from .. import watchdog
from .agent import Agent
from .body import Body
from .space import Space
from .world import World

__all__ = ["SENSE_EVERY", "STEPS_PER_SECOND", "Appointment", "Simulation"]

log = logging.getLogger(__name__)

STEPS_PER_SECOND = 50
SENSE_EVERY = 5
"""Steps between two readings of the sensors: ten a second."""


class Appointment:
    """Something that must happen at ``t`` though nobody looks."""

    __slots__ = ("callback", "handle", "t")

    def __init__(self, t: float, callback: Callable[[], None]) -> None:
        self.t = t
        self.callback = callback
        self.handle: watchdog.Handle | None = None


class Simulation:
    """A world and the robots in it, under one clock and one lock.

    ``SimulatedRobot(world=simulation)`` puts a further robot into it. ``clock`` gives seconds; with another one than
    ``time.monotonic`` the end of a motion is found when somebody looks, since no thread can wait for a clock it does not know.
    """

    def __init__(
        self, world: World | None = None, *, seed: int | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.world = world or World()
        self.seed = seed
        self.lock = threading.RLock()
        self.space = Space(self.world)
        self.agents: list[Agent] = []
        self.t = 0.0
        """Everybody's state is kept for this moment: seconds since the simulation began."""
        self.now = 0.0
        """The latest moment anybody looked at."""
        self._clock = clock
        self._origin = clock()
        self._step = 0
        self._appointments: list[Appointment] = []
        self._depth = 0
        self._posts: deque[Callable[[], object]] = deque()
        self._delivering = threading.Lock()

    def __repr__(self) -> str:
        world, count = self.world, len(self.agents)
        robots = "1 robot" if count == 1 else f"{count} robots"
        return f"<Simulation of {robots} in {world.width:g} x {world.height:g} cm at {self.now:.2f} s>"

    # Who lives here.

    def add(self, notice: Callable[[str, dict[str, Any]], None]) -> Agent:
        """A new robot, at the next starting place of the world."""
        with self.moment():
            starts = self.world.starts
            agent = Agent(self.space, starts[len(self.agents) % len(starts)], notice)
            self.agents.append(agent)
            return agent

    # Looking.

    @contextmanager
    def moment(self, at_least: float = 0.0) -> Iterator[float]:
        """Hold the lock, with everybody caught up with the clock; gives the time of the simulation.

        What happens meanwhile is told (:meth:`post`) when the lock has been given back.
        """
        outermost = False
        try:
            with self.lock:
                self._depth += 1
                try:
                    self._catch_up(max(self.now, at_least, self._clock() - self._origin))
                    yield self.now
                finally:
                    self._depth -= 1
                    outermost = self._depth == 0
        finally:
            if outermost:
                self._deliver()

    def see(self, agent: Agent) -> Body:
        """The body of ``agent`` now: to look at, not to change."""
        if agent.body.at_rest or self.now <= self.t:
            return agent.body
        body = agent.body.copy()
        body.roll(self.now - self.t)
        return body

    def commit(self) -> None:
        """Bring everybody to the present moment, before somebody's motors are told something else."""
        if self.now > self.t:
            self._live_until(self.now)

    # Appointments: what must happen on time though nobody looks.

    def call_at(self, t: float, callback: Callable[[], None]) -> Appointment:
        """Call ``callback()``, with the lock held, at the first look at or after ``t``; the watchdog looks then."""
        appointment = Appointment(t, callback)
        with self.lock:
            self._appointments.append(appointment)
            if self._clock is time.monotonic:
                appointment.handle = watchdog.shared().call_at(self._origin + t, lambda: self._look(t))
        return appointment

    def cancel(self, appointment: Appointment) -> None:
        """Forget it; too late changes nothing."""
        with self.lock:
            if appointment in self._appointments:
                self._appointments.remove(appointment)
            if appointment.handle is not None:
                appointment.handle.cancel()

    def _look(self, t: float) -> None:
        with self.moment(t):
            pass

    # Telling.

    def post(self, call: Callable[[], object]) -> None:
        """Call ``call()`` when the lock is free again, after all that was posted before."""
        with self.lock:
            self._posts.append(call)
            free = self._depth == 0
        if free:
            self._deliver()

    def _deliver(self) -> None:
        while self._posts:
            if not self._delivering.acquire(blocking=False):
                return  # another thread is at it, or a callback looked at the robot: it goes on in order
            try:
                while self._posts:
                    call = self._posts.popleft()
                    try:
                        call()
                    except Exception:
                        log.exception("a listener of the simulated robot failed; the next ones go on")
            finally:
                self._delivering.release()

    # Time.

    def _catch_up(self, now: float) -> None:
        """Live until ``now``: all whole steps and all changes of motors that lie before."""
        self.now = now
        while True:
            change = min((agent.next_change for agent in self.agents), default=inf)
            step = (self._step + 1) / STEPS_PER_SECOND
            until = min(change, step)
            if until > now:
                break
            if until == step and all(agent.quiet for agent in self.agents):
                self._skip(min(change, now))
                continue
            self._live_until(until)
            if until == step:
                self._step += 1
                if self._step % SENSE_EVERY == 0:
                    for agent in self.agents:
                        agent.sense(until, SENSE_EVERY / STEPS_PER_SECOND)
            for agent in self.agents:
                if agent.next_change <= until:
                    agent.change(until)
        while self._appointments:
            first = min(self._appointments, key=_when)
            if first.t > now:
                break
            self.cancel(first)
            first.callback()

    def _skip(self, until: float) -> None:
        """Everybody rests: go to the last whole step before ``until``, at least one."""
        step = max(self._step + 1, int(until * STEPS_PER_SECOND))
        if step / STEPS_PER_SECOND > until:
            step -= 1
        self._step = max(step, self._step + 1)
        self.t = self._step / STEPS_PER_SECOND

    def _live_until(self, until: float) -> None:
        seconds = until - self.t
        self.t = until
        if seconds > 0:
            for agent in self.agents:
                agent.step(until, seconds)


def _when(appointment: Appointment) -> float:
    return appointment.t
