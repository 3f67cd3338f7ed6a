"""One robot in the simulation: its body, motor plan, trail, sensors and mind."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from math import atan2, degrees, inf, pi
from typing import Any

from ..behaviour.mind import Mind, Moment
from ..behaviour.noise import noise
from ..behaviour.stimuli import APART, BANG, OBSTACLE
from .body import FULL_SPEED, Body, Trail
from .scene import Scene
from .senses import Sound, brightness, line_reading, loudness
from .world import Start

__all__ = ["Agent", "Change"]

Change = tuple[float, float, float]
"""What the motors are set to at a time: (t, left %, right %)."""

BUMP_PAUSE = 0.5
"""Seconds without touching anything before touching it again is a new bump."""
APPEARED = 20.0
"""Something ahead that is suddenly nearer by this (cm), though the robot stands, is noticed."""
ULTRASONIC = 1
"""Which sensor the noise is of."""
TRAIL_LIMIT = 20_000
TONE_LOUDNESS = 60.0


class Agent:
    """One robot. Times are those of the simulation; ``on_event(event, data)`` receives its events.

    ``noise`` scales the noise of the ultrasonic sensor: 1 is about 0.3 cm and half a percent, 0 is
    none.
    """

    def __init__(
        self,
        scene: Scene,
        start: Start,
        on_event: Callable[[str, dict[str, Any]], None],
        *,
        seed: int,
        noise: float,
    ) -> None:
        self.scene = scene
        self.body = Body(scene.space, start.x, start.y, start.heading * pi / 180)
        scene.enter(self.body)
        self.seed = seed
        self.trail = Trail(TRAIL_LIMIT)
        self.plan: deque[Change] = deque()
        """What comes."""
        self.motors = (0.0, 0.0)
        """What the motors are set to now, percent."""
        self.touching = False
        self.rested_at = -inf
        """When it came or will come to rest as things are; inf while the motors shall turn."""
        self._on_event = on_event
        self._noise = noise
        self._last_touch = -inf
        self.moved = False
        """Whether it has moved since the sensors were last read."""
        self._echo = scene.space.echo(self.body)
        self._echo_pose = self._pose
        self._readings = 0
        self.ahead = self._ultrasonic()
        """The last reading of the ultrasonic sensor, 3 to 300 cm, 300 when nothing is in range."""
        self.light = brightness(scene.world, self.body)
        self.sound, self._others_loudness = loudness(scene.world, scene.sounds, self.body)
        """The last readings of light and sound, 0 to 100."""
        self.mind = Mind(self.light)
        self._near = self.ahead < OBSTACLE
        self._moment = Moment(light=self.light)

    # Motors.

    def replace_plan(self, plan: Iterable[Change]) -> None:
        """Forget the plan and take this one."""
        self.plan = deque(plan)

    @property
    def next_change(self) -> float:
        """When the motors are set next."""
        return self.plan[0][0] if self.plan else inf

    def change(self, t: float) -> None:
        """Set the motors to what the plan has for ``t``."""
        while self.plan and self.plan[0][0] <= t:
            _, left, right = self.plan.popleft()
            self.motors = (left, right)
            self.body.aim(left, right)
        self.trail.record(t, self.body, always=True)

    # Time.

    @property
    def quiet(self) -> bool:
        """Whether nothing about this robot would change if time passed."""
        return (
            not (self.moved or self.touching or self.plan)
            and self.mind.steady
            and self.body.at_rest
        )

    def step(self, t: float, seconds: float) -> None:
        """Live for ``seconds`` until ``t``."""
        body = self.body
        if body.at_rest:
            return
        self.moved = True
        self.rested_at = t - seconds + body.time_to_rest
        body.roll(seconds)
        self.trail.record(t, body, always=body.at_rest)
        if body.push_x or body.push_y:
            if t - self._last_touch > BUMP_PAUSE:
                self._bump()
            self._last_touch = t

    def sense(self, t: float, seconds: float, *, changed: bool) -> None:
        """Read every sensor and advance the mind; ``changed``: somebody or something moved."""
        body, scene = self.body, self.scene
        if changed:
            self._read_ultrasonic()
        if self.moved:
            self.light = brightness(scene.world, body)
        self._read_sound()
        self.touching = t - self._last_touch <= BUMP_PAUSE
        self.moved = False
        moment = Moment(
            max(abs(body.left), abs(body.right)) / FULL_SPEED,
            self.ahead,
            self.light,
            self.sound - scene.world.ambient_sound,
        )
        if moment != self._moment:
            self._moment = moment
            self.mind.wake()
        if not self.mind.steady:
            self.mind.advance(seconds, moment)

    # Senses.

    def battery(self, t: float, body: Body) -> float:
        """Charge at ``t``, percent: four hours of standing or one at full speed. 0 still drives."""
        drained = t / (4 * 3600) + body.worked / (2 * FULL_SPEED * 3600) * 0.75
        return max(0.0, 100 * (1 - drained))

    def line(self, body: Body) -> tuple[int, float]:
        """The quad line sensor of ``body``: bits and offset."""
        return line_reading(self.scene.floor, body)

    def sound_tone(self, t: float, duration: float) -> None:
        """Sound for a time; others hear it."""
        body = self.body
        sound = Sound(body.x, body.y, TONE_LOUDNESS, t + duration, body.number)
        self.scene.sounds.append(sound)

    def _read_ultrasonic(self) -> None:
        """Read the ultrasonic sensor; an unchanged echo gives the same reading, no new noise."""
        echo = self.scene.space.echo(self.body)
        before, stood = self._echo, self._echo_pose == self._pose
        self._echo_pose = self._pose
        if echo == before:
            return
        self._echo = echo
        self._readings += 1
        self.ahead = self._ultrasonic()
        if not self._near and self.ahead < OBSTACLE:
            self._near = True
            strength = 1 - self.ahead / (2 * OBSTACLE)
            self.mind.startle(strength / 2)
            self._report_stimulus("obstacle", strength, distance=round(self.ahead, 1))
        elif stood and echo < before - APPEARED:
            strength = 0.5 - self.ahead / 600
            self.mind.startle(strength / 2)
            self._report_stimulus("appeared", strength, distance=round(self.ahead, 1))
        if self._near and self.ahead > OBSTACLE + APART:
            self._near = False

    @property
    def _pose(self) -> tuple[float, float, float]:
        return self.body.x, self.body.y, self.body.heading

    def _ultrasonic(self) -> float:
        if self._echo >= 300:
            return 300.0
        spread = self._noise * (0.3 + 0.005 * self._echo) / 0.41
        distance = self._echo + spread * noise(self.seed, ULTRASONIC, self._readings)
        return min(max(distance, 3.0), 300.0)

    def _read_sound(self) -> None:
        before = self._others_loudness
        self.sound, self._others_loudness = loudness(self.scene.world, self.scene.sounds, self.body)
        if self._others_loudness >= before + BANG:
            strength = (self._others_loudness - before) / 100
            self.mind.startle(strength)
            self._report_stimulus("sound", strength, loudness=round(self._others_loudness, 1))

    def _bump(self) -> None:
        """Something solid was met."""
        body = self.body
        side = degrees(atan2(-body.push_y, -body.push_x) - body.heading) % 360
        name = ("front", "left", "back", "right")[round(side / 90) % 4]
        strength = min(1.0, 0.2 + max(abs(body.left), abs(body.right)) / FULL_SPEED)
        self.touching = True
        self.mind.startle(strength)
        self._report_stimulus("bump", strength, side=name)

    def _report_stimulus(self, what: str, strength: float, **more: Any) -> None:
        self._on_event("stimulus_detected", {"type": what, "strength": round(strength, 3), **more})
