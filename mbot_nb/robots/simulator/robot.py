"""The face of a simulated mBot2 to a server: commands in, state, telemetry and events out."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from math import degrees
from typing import Any

from ... import commands as c
from ...errors import CommandRejectedError
from ...robot import Ended, Motion, Robot
from .body import WHEEL, Body
from .simulation import Appointment, Simulation
from .world import World

__all__ = ["SimulatedRobot"]

FIRMWARE = "sim-1"
LEDS = 5


class SimulatedRobot(Robot):
    """An mBot2 that exists only in numbers: two driven wheels in a walled arena, on a clock that no blocked cell can hold.

    Its state is a function of time: it is worked out when somebody looks, and the result does not depend on when or how
    often that is. The same ``seed`` and the same commands at the same times give the same path.

    Args:
        seed: of everything that is left to chance; None takes a new one.
        world: the arena, as data; or a :class:`Simulation` to put a further robot beside those that live there.
        clock: gives seconds. With another one than ``time.monotonic`` the end of a motion is found when somebody looks.
        robot_id: its name.
    """

    def __init__(
        self,
        seed: int | None = None,
        *,
        world: World | Simulation | None = None,
        clock: Callable[[], float] = time.monotonic,
        robot_id: str = "simulated-mbot2",
    ) -> None:
        super().__init__()
        self.robot_id = robot_id
        self.simulation = world if isinstance(world, Simulation) else Simulation(world, seed=seed, clock=clock)
        self.lock = self.simulation.lock
        self._agent = self.simulation.add(self.report)
        self._motion: Motion | None = None
        self._motion_end: Appointment | None = None
        self._leds = [(0, 0, 0)] * LEDS
        self._text = ""
        self._tone: tuple[float, float] | None = None
        self._tone_end = 0.0

    def __repr__(self) -> str:
        pose = self.state()["pose"]
        return f"<SimulatedRobot {self.robot_id!r} at ({pose['x']:.1f}, {pose['y']:.1f}) cm, heading {pose['heading']:.0f} deg>"

    # What it tells.

    def advance(self) -> None:
        """Catch up with the clock: find what has ended and report what has happened until now."""
        with self.simulation.moment():
            pass

    def state(self) -> dict[str, Any]:
        """The sections of the state. At rest every look gives an equal one.

        ``pose``: x, y in cm, heading in degrees from 0 to 360, counter-clockwise from the x axis. ``motors``: what they are
        told, percent, and whether the robot ``moving``. ``leds``: five times [r, g, b]. ``sound``: the tone that sounds,
        Hz, or null.
        """
        with self.simulation.moment() as now:
            agent, body = self._agent, self.simulation.see(self._agent)
            mind = agent.mind
            left, right = agent.motors
            return {
                "personality": dict(mind.personality),
                "neural_state": {
                    "mode": mind.mode,
                    "tension": round(mind.tension, 3),
                    "coherence": round(mind.coherence, 3),
                    "energy": round(mind.energy, 3),
                    "curiosity": round(mind.curiosity, 3),
                    "distance": round(agent.ahead, 1),
                    "gyro": round(degrees(body.turn_rate), 1),
                },
                "capabilities": {
                    "has_drawing": False,
                    "has_sorter": False,
                    "has_games": False,
                    "has_learning_lab": False,
                    "firmware_version": FIRMWARE,
                },
                "pose": _pose(body),
                "motors": {"left": round(left, 3), "right": round(right, 3), "moving": not body.at_rest},
                "leds": [list(led) for led in self._leds],
                "display": {"text": self._text},
                "sound": {"frequency": self._tone[0] if self._tone and now < self._tone_end else None},
            }

    def telemetry(self) -> dict[str, Any]:
        """What changes all the time, flat.

        ``x``, ``y`` cm; ``heading`` deg; ``speed`` cm/s and ``turn_rate`` deg/s that the wheels give; ``distance`` cm, of the
        ultrasonic sensor; ``encoder_left``, ``encoder_right`` deg that the wheels have turned; ``driven`` cm, the way so far;
        ``bumped`` whether it touches something solid; ``mode``, ``tension``, ``coherence``, ``energy``, ``curiosity``.
        """
        with self.simulation.moment():
            agent, body = self._agent, self.simulation.see(self._agent)
            mind = agent.mind
            return {
                **_pose(body),
                "speed": round(body.speed, 3),
                "turn_rate": round(degrees(body.turn_rate), 3),
                "distance": round(agent.ahead, 1),
                "encoder_left": round(degrees(body.rolled_left / (WHEEL / 2)), 1),
                "encoder_right": round(degrees(body.rolled_right / (WHEEL / 2)), 1),
                "driven": round(body.distance, 3),
                "bumped": agent.touching,
                "mode": mind.mode,
                "tension": round(mind.tension, 3),
                "coherence": round(mind.coherence, 3),
                "energy": round(mind.energy, 3),
                "curiosity": round(mind.curiosity, 3),
            }

    @property
    def path(self) -> list[tuple[float, float, float, float]]:
        """The way driven until now: rows of (t, x, y, heading), in s since the simulation began, cm and degrees.

        Bounded to the last 20,000 points, which lie at most 0.5 cm or 3 degrees apart unless the robot is fast.
        The heading is not wrapped: it counts whole turns.
        """
        with self.simulation.moment() as now:
            rows = list(self._agent.trail.rows)
            body = self.simulation.see(self._agent)
        if (body.x, body.y, body.heading) != rows[-1][1:]:
            rows.append((now, body.x, body.y, body.heading))
        return [(t, x, y, degrees(heading)) for t, x, y, heading in rows]

    @property
    def distance_driven(self) -> float:
        """The length of the way the middle of the robot has gone, cm."""
        with self.simulation.moment():
            return self.simulation.see(self._agent).distance

    @property
    def motion(self) -> Motion | None:
        """The motion under way, or None."""
        with self.simulation.moment():
            return self._motion

    # What it obeys.

    def execute(self, command: c.Command) -> Motion | Mapping[str, Any] | None:
        """Carry out one command; what happens by it is reported when the lock has been given back."""
        with self.simulation.moment():
            return super().execute(command)

    def stop(self, reason: str = "stop") -> None:
        """Brake now. Reports `robot_stopped` with the reason."""
        with self.simulation.moment():
            super().stop(reason)

    def emergency_stop(self, reason: str = "emergency_stop") -> str:
        """Brake now and refuse motion until released; returns the new latch."""
        with self.simulation.moment():
            return super().emergency_stop(reason)

    def report(self, event: str, data: Mapping[str, Any] | None = None) -> None:
        """Tell the server that something happened, after the lock has been given back."""
        self.simulation.post(lambda: super(SimulatedRobot, self).report(event, data))

    def close(self) -> None:
        """End the motion under way and leave nothing waiting on the watchdog."""
        with self.simulation.moment():
            self.halt()

    def perform(self, command: c.Command) -> Motion | Mapping[str, Any] | None:
        """Carry out one command; called with the lock held."""
        match command:
            case c.Drive(left=left, right=right, duration=duration):
                return self._drive(left, right, duration)
            case c.Move(direction=direction, speed=speed, duration=duration):
                left, right = _DIRECTIONS[direction]
                return self._drive(left * speed, right * speed, duration)
            case c.UpdatePersonality():
                self._update_personality(command)
            case c.SetLed(r=r, g=g, b=b, index=index):
                for at in range(LEDS) if index is None else (index - 1,):
                    self._leds[at] = (r, g, b)
            case c.PlayTone(frequency=frequency, duration=duration):
                self._tone = (frequency, duration)
                self._tone_end = self.simulation.now + duration
            case c.DisplayText(text=text):
                self._text = text
            case c.Void():
                pass
            case _:
                raise CommandRejectedError(
                    "UNSUPPORTED",
                    f"the simulated mBot2 cannot do {command.name!r}: look at state.capabilities for what it can",
                    command=command.name,
                )
        return None

    def halt(self) -> None:
        """Brake as hard as the wheels can and end the motion under way as `stopped`."""
        with self.simulation.moment() as now:
            if not self._agent.body.at_rest or self._agent.plan:
                self.simulation.commit()
                self._agent.follow([(now, 0.0, 0.0)])
                self._agent.change(now)
            self._finish("stopped")

    # Inside.

    def _drive(self, left: float, right: float, duration: float) -> Motion:
        now = self.simulation.now
        return self._begin([(now, left, right), (now + duration, 0.0, 0.0)])

    def _begin(self, plan: list[tuple[float, float, float]]) -> Motion:
        """Follow a plan from now on; its last change is the end of the motion."""
        now, end = self.simulation.now, plan[-1][0]
        self.simulation.commit()
        self._finish("replaced")
        self._agent.follow(plan)
        self._agent.change(now)
        self._motion = motion = Motion(end - now)
        if end > now:
            self._motion_end = self.simulation.call_at(end, lambda: self._finish("time"))
        else:
            self._finish("time")
        return motion

    def _finish(self, how: Ended) -> None:
        """The motion under way has ended."""
        motion, self._motion = self._motion, None
        if self._motion_end is not None:
            self.simulation.cancel(self._motion_end)
            self._motion_end = None
        if motion is not None:
            self.simulation.post(lambda: motion.end(how))

    def _update_personality(self, command: c.UpdatePersonality) -> None:
        mind = self._agent.mind
        changed = command.params()
        mind.personality.update(changed)
        mind.wake()
        self.report("personality_changed", {"personality": dict(mind.personality), "changed": changed})


_DIRECTIONS = {"forward": (1, 1), "backward": (-1, -1), "left": (-1, 1), "right": (1, -1)}


def _pose(body: Body) -> dict[str, float]:
    return {
        "x": round(body.x, 3),
        "y": round(body.y, 3),
        "heading": round(degrees(body.heading) % 360, 3) % 360,
    }
