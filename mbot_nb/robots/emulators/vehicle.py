"""What moves in an emulator: a body in the simulator's world, driven by wheel speeds."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from math import degrees
from typing import Any

from ..dimensions import TRACK, WHEEL
from ..simulator import Simulation, World

__all__ = ["Vehicle"]


class Vehicle:
    """Two wheels in a world, set in percent of full speed, which turn until they are set anew.

    ``scale``, ``wheel`` and ``track`` make it another robot than the one in the book: how fast its
    wheels turn, of what they should; their diameter and their distance, cm. Its encoders count what
    the wheels turn, and know nothing of their size. A stopwatch runs while it drives.
    """

    def __init__(
        self,
        world: World | Simulation | Mapping[str, Any] | None = None,
        *,
        seed: int | None = None,
        scale: float = 1.0,
        wheel: float = WHEEL,
        track: float = TRACK,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.simulation = (
            world if isinstance(world, Simulation) else Simulation(world, seed=seed, clock=clock)
        )
        self._agent = self.simulation.add(lambda event, data: None, seed=seed)
        self.motors = (0.0, 0.0)
        """What they are set to, percent."""
        self.leds = [(0, 0, 0)] * 5
        self.text = ""
        self.tones: list[tuple[float, float]] = []
        """What sounded: Hz and seconds."""
        self.standing = threading.Event()
        """Set while the motors are set to 0."""
        self.standing.set()
        self.started_at = self.stopped_at = 0.0
        """When they last began to turn after standing, and when they last stopped, on the clock."""
        self.turned = 0.0
        """Seconds they were set to turn, all in all, until they last stood."""
        self.scale = scale
        self.wheel = wheel
        self.track = track
        self._clock = clock

    def drive(self, left: float, right: float) -> None:
        """Turn the wheels until the next call, percent; more than 100 is 100."""
        left, right = (max(-100.0, min(100.0, speed)) for speed in (left, right))
        now = self._clock()
        stand = not (left or right)
        if stand and not self.standing.is_set():
            self.turned += now - self.started_at
            self.stopped_at = now
        elif not stand and self.standing.is_set():
            self.started_at = now
        self.motors = (left, right)
        with self.simulation.moment() as moment:
            # The body that rolls is the one in the book, set so that it goes where this one goes.
            size = self.scale * self.wheel / WHEEL
            mean, half = (left + right) / 2 * size, (right - left) / 2 * size * TRACK / self.track
            self.simulation.set_plan(self._agent, [(moment, mean - half, mean + half)])
        (self.standing.set if stand else self.standing.clear)()

    def sense(self) -> dict[str, float]:
        """What its sensors read, in the units of the telemetry."""
        with self.simulation.moment() as now:
            agent, body = self._agent, self.simulation.body_now(self._agent)
            line, offset = agent.line(body)
            mean = (body.rolled_left + body.rolled_right) / 2
            half = (body.rolled_right - body.rolled_left) / 2 * self.track / TRACK
            return {
                "x": body.x,
                "y": body.y,
                "heading": degrees(body.heading) % 360,
                "turn_rate": degrees(body.turn_rate),
                "distance": agent.ahead,
                "line": line,
                "line_offset": offset,
                "light": agent.light,
                "sound": agent.sound,
                "battery": agent.battery(now, body),
                "encoder_left": degrees((mean - half) / (self.wheel / 2)),
                "encoder_right": degrees((mean + half) / (self.wheel / 2)),
            }

    @property
    def path(self) -> list[tuple[float, float, float, float]]:
        """The way driven: rows of (t, x, y, heading), in s, cm and degrees."""
        with self.simulation.moment():
            return [(t, x, y, degrees(heading)) for t, x, y, heading in self._agent.trail.rows]

    def light(self, red: int, green: int, blue: int, index: int | None) -> None:
        """Colour one of five LEDs, or all; one that is not there stays dark."""
        for number in range(1, len(self.leds) + 1):
            if index in (None, number):
                self.leds[number - 1] = (red, green, blue)

    def sound(self, frequency: float, seconds: float) -> None:
        """Sound a tone."""
        self.tones.append((frequency, seconds))
        with self.simulation.moment() as now:
            self._agent.sound_tone(now, seconds)
