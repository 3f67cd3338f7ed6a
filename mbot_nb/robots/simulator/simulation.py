"""Time: the state of all robots in a world as a function of the clock.

Nothing runs in the background. Reading the state makes the simulation catch up, in fixed steps of
20 ms and at the exact moments when motors are set, so the result does not depend on when or how
often it is read. A reading between two steps sees a copy that is rolled on to the moment.
When all robots rest, time costs nothing.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from math import inf, radians
from typing import Any

from ...errors import UsageError
from .. import watchdog
from ..behaviour.noise import mix
from ..timer import Timer
from .agent import Agent, Change
from .body import Body
from .scene import Scene
from .senses import Sound
from .world import Box, Line, Piece, Start, World, playground

__all__ = ["SENSE_EVERY", "STEPS_PER_SECOND", "Simulation"]

_log = logging.getLogger("mbot_nb")

STEPS_PER_SECOND = 50
SENSE_EVERY = 5
"""Steps between two readings of the sensors: ten a second."""


class Simulation:
    """A world and the robots in it, under one clock and one lock.

    ``SimulatedRobot(world=simulation)`` puts a further robot into it. ``clock`` gives seconds; with
    another one than ``time.monotonic`` the end of a motion is found when the state is read: no
    thread can wait for a clock it does not know.
    """

    def __init__(
        self,
        world: World | Mapping[str, Any] | None = None,
        *,
        seed: int | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        # A world made by hand is held to the same ranges as one from JSON.
        data = world.to_dict() if isinstance(world, World) else world
        self.scene = Scene(playground() if data is None else World.from_dict(data))
        self.seed = secrets.randbits(32) if seed is None else seed
        """Of everything left to chance in this world."""
        self.lock = threading.RLock()
        self.agents: list[Agent] = []
        self.t = 0.0
        """All states are kept for this moment: seconds since the simulation began."""
        self.now = 0.0
        """The latest moment at which the state was read."""
        self._clock = clock
        self._origin = clock()
        self._step = 0
        self._next_change = inf
        self._timers: list[tuple[float, int, Timer]] = []
        self._order = itertools.count()
        self._depth = 0
        self._posts: deque[Callable[[], object]] = deque()
        self._delivering = threading.Lock()

    def __repr__(self) -> str:
        count = len(self.agents)
        robots = "1 robot" if count == 1 else f"{count} robots"
        size = f"{self.world.width:g} x {self.world.height:g} cm"
        return f"<Simulation of {robots} in {size} at {self.now:.2f} s>"

    @property
    def world(self) -> World:
        """The world as it is now, as data."""
        return self.scene.world

    # What comes and goes.

    def add(
        self,
        on_event: Callable[[str, dict[str, Any]], None],
        *,
        seed: int | None = None,
        noise: float = 1.0,
    ) -> Agent:
        """Add a robot, at its start in the world or at the free place nearest to the middle.

        Raises:
            UsageError: if its place is taken, or there is no room.
        """
        with self.moment() as now:
            self.commit()
            number = len(self.agents)
            agent = Agent(
                self.scene,
                self._place(number),
                on_event,
                seed=mix(self.seed, number) if seed is None else seed,
                noise=noise,
            )
            agent.trail.record(now, agent.body)
            self.agents.append(agent)
            return agent

    def put(self, thing: Box | Piece | Line) -> None:
        """Add a box, piece or line; :class:`UsageError` if a robot stands where a box shall be."""
        with self.moment():
            self.commit()
            self.scene.put(thing)

    def take_away(self, thing: Box | Line) -> None:
        """Let a box or a line disappear; :class:`UsageError` if there is none like it."""
        with self.moment():
            self.commit()
            self.scene.take_away(thing)

    def move(self, box: Box, x: float, y: float, angle: float | None = None) -> Box:
        """Move a box to (x, y) cm, turned by ``angle`` degrees (None: as before); returns it.

        Raises:
            UsageError: there is none like it, a robot stands there, or its middle would be outside
                of the arena.
        """
        with self.moment():
            self.commit()
            return self.scene.move(box, x, y, angle)

    def take_pieces(self, agent: Agent, radius: float) -> list[Piece]:
        """Let ``agent`` take what lies within ``radius`` cm off the floor."""
        self.commit()
        return self.scene.take_pieces(agent.body.x, agent.body.y, radius)

    def make_sound(self, x: float, y: float, loudness: float = 80.0, duration: float = 0.3) -> None:
        """Make a sound at a place (cm): ``loudness`` percent right there, for ``duration`` s."""
        with self.moment() as now:
            self.scene.sounds.append(Sound(x, y, loudness, now + duration, None))

    def _place(self, number: int) -> Start:
        if number >= len(self.world.starts):
            x, y = self.scene.space.free_place()
            return Start(x=x, y=y)
        start = self.world.starts[number]
        if not self.scene.space.is_free(start.x, start.y, radians(start.heading)):
            raise UsageError(
                f"robot {number + 1} cannot start at ({start.x:g}, {start.y:g}) cm: something is "
                "in the way, or the arena ends there; give it another place in the world's starts"
            )
        return start

    # Reading.

    @contextmanager
    def moment(self, at_least: float = 0.0) -> Iterator[float]:
        """Hold the lock, with all robots caught up with the clock; gives the simulation's time.

        What happens meanwhile is reported (:meth:`post`) when the lock has been given back.
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

    def reading(self, t: float) -> float:
        """What the clock shows at ``t``."""
        return self._origin + max(t, 0.0)

    def body_now(self, agent: Agent) -> Body:
        """The body of ``agent`` now: to read, not to change."""
        if agent.body.at_rest or self.now <= self.t:
            return agent.body
        body = agent.body.copy()
        body.roll(self.now - self.t)
        return body

    def commit(self) -> None:
        """Advance all robots to the present moment, before motors are set."""
        if self.now > self.t:
            self._advance_to(self.now)

    def set_plan(self, agent: Agent, plan: Iterable[Change]) -> None:
        """From now on the motors of ``agent`` follow this plan."""
        self.commit()
        agent.replace_plan(plan)
        agent.change(self.now)
        self._find_next_change()

    # Timers: what must happen on time though nobody reads the state.

    def call_at(self, t: float, callback: Callable[[], None]) -> Timer:
        """Call ``callback()``, with the lock held, at ``t`` or at the first reading after it."""
        with self.lock:
            alarm = None
            if self._clock is time.monotonic:
                alarm = watchdog.shared().call_at(self._origin + t, lambda: self._wake(t))
            timer = Timer(callback, None if alarm is None else alarm.cancel)
            heapq.heappush(self._timers, (t, next(self._order), timer))
        return timer

    def _wake(self, t: float) -> None:
        with self.moment(t):
            pass

    # Events.

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
                # another thread is at it, or a callback read the state: it goes on in order
                return
            try:
                while self._posts:
                    call = self._posts.popleft()
                    try:
                        call()
                    except Exception:
                        _log.exception(
                            "a listener of the simulated robot failed; the next ones go on"
                        )
            finally:
                self._delivering.release()

    # Time.

    def _catch_up(self, now: float) -> None:
        """Live until ``now``: all whole steps and all changes of motors that lie before."""
        self.now = now
        while True:
            change = self._next_change
            step = (self._step + 1) / STEPS_PER_SECOND
            until = min(change, step)
            if until > now:
                break
            # Only the sensors' turn can bring rest, so that is when to look for it.
            if self._step % SENSE_EVERY == 0 and until == step and self._quiet():
                self._skip(min(change, now))
                continue
            self._advance_to(until)
            if until == step:
                self._step += 1
                if self._step % SENSE_EVERY == 0:
                    self._sense(until)
            if until == change:
                for agent in self.agents:
                    if agent.next_change <= until:
                        agent.change(until)
                self._find_next_change()
        while self._timers and self._timers[0][0] <= now:
            _, _, timer = heapq.heappop(self._timers)
            callback = timer.take()
            if callback is not None:
                timer.cancel()  # the watchdog need not wake for it any more
                callback()

    def _quiet(self) -> bool:
        """Whether nothing at all would change if time passed."""
        scene = self.scene
        if scene.changed or scene.sounds:
            return False
        for agent in self.agents:  # noqa: SIM110 - asked ten times a simulated second: a generator would double its cost
            if not agent.quiet:
                return False
        return True

    def _sense(self, t: float) -> None:
        """Let all robots read their sensors."""
        changed = self.scene.changed or any(agent.moved for agent in self.agents)
        self.scene.changed = False
        for agent in self.agents:
            agent.sense(t, SENSE_EVERY / STEPS_PER_SECOND, changed=changed)
        self.scene.fade(t)

    def _skip(self, until: float) -> None:
        """All robots rest: go to the last whole step before ``until``, at least one."""
        step = max(self._step + 1, int(until * STEPS_PER_SECOND))
        if step / STEPS_PER_SECOND > until:
            step -= 1
        self._step = max(step, self._step + 1)
        self.t = self._step / STEPS_PER_SECOND

    def _find_next_change(self) -> None:
        self._next_change = min((agent.next_change for agent in self.agents), default=inf)

    def _advance_to(self, until: float) -> None:
        seconds = until - self.t
        self.t = until
        if seconds > 0:
            for agent in self.agents:
                agent.step(until, seconds)
