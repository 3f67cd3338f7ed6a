"""The face of a simulated mBot2 to a server: commands in, state, telemetry and events out."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from math import degrees
from typing import Any

from ... import commands as c
from ...errors import CommandRejectedError
from ...robot import Ended, Motion, Outcome, Robot
from ..behaviour.playing import Playing
from ..dimensions import WHEEL
from ..timer import Timer
from .agent import Change
from .body import Body
from .drawing import Drawing, prepare
from .simulation import Simulation
from .world import COLORS, World

__all__ = ["SimulatedRobot"]

CAPABILITIES = {
    "has_drawing": True,
    "has_sorter": True,
    "has_games": True,
    "has_learning_lab": False,
    "firmware_version": "sim-2",
}
LEDS = 5
PICKUP_RADIUS = 30.0
"""How far from its middle the robot can reach a piece to sort, cm."""


class SimulatedRobot(Robot):
    """An mBot2 that exists only in numbers: two driven wheels in a world that is data.

    Its state is a function of time, worked out when it is read: the same ``seed`` and the same
    commands at the same times give the same path, whenever and however often it is read.

    Args:
        seed: of everything that is left to chance; None takes a new one.
        world: a :class:`World` or plain data that says one (None: :func:`~.world.playground`), or a
            :class:`Simulation`, to put a further robot beside those that live there.
        clock: gives seconds. With another one than ``time.monotonic`` the end of a motion is found
            when the state is read. A robot in a :class:`Simulation` has its clock.
        noise: of the ultrasonic sensor; 1 is about 0.3 cm and half a percent, 0 is none.
        robot_id: its name.

    Raises:
        UsageError: for a world that is none, or one without room for this robot.
    """

    def __init__(
        self,
        seed: int | None = None,
        *,
        world: World | Simulation | Mapping[str, Any] | None = None,
        clock: Callable[[], float] = time.monotonic,
        noise: float = 1.0,
        robot_id: str = "simulated-mbot2",
    ) -> None:
        super().__init__()
        self.robot_id = robot_id
        self.simulation = (
            world if isinstance(world, Simulation) else Simulation(world, seed=seed, clock=clock)
        )
        self.lock = self.simulation.lock
        self._agent = self.simulation.add(self.report, seed=seed, noise=noise)
        self._motion: Motion | None = None
        self._motion_end: Timer | None = None
        self._leds = [(0, 0, 0)] * LEDS
        self._text = ""
        self._tone: float | None = None
        self._tone_end = 0.0
        self._drawing: Drawing | None = None
        self._playing = Playing(self._agent.seed, self.report)
        self._inventory: dict[str, int] = {**dict.fromkeys(COLORS, 0), "last_updated": 0}

    def __repr__(self) -> str:
        pose = self.state()["pose"]
        return (
            f"<SimulatedRobot {self.robot_id!r} at ({pose['x']:.1f}, {pose['y']:.1f}) cm, "
            f"heading {pose['heading']:.0f} deg>"
        )

    @property
    def seed(self) -> int:
        """Of everything that is left to chance."""
        return self._agent.seed

    # State, telemetry and events.

    def advance(self) -> None:
        """Catch up with the clock: find what has ended and report what has happened until now."""
        with self.simulation.moment():
            pass

    def state(self) -> dict[str, Any]:
        """The sections of the state. At rest every reading gives an equal one.

        Beside those of the protocol: ``pose``, x, y in cm, heading in degrees from 0 to 360,
        counter-clockwise from the x axis; ``motors``, as set, percent, and whether the robot is
        ``moving``; ``leds``, five times [r, g, b]; ``display``, its ``text``; ``sound``,
        the ``frequency`` of the tone that sounds, Hz, or null; ``drawing``, its ``shape`` while one
        is drawn, or null; ``arena``, the world as data.
        """
        with self.simulation.moment() as now:
            agent, body = self._agent, self.simulation.body_now(self._agent)
            left, right = agent.motors
            game = self._playing.state()
            show = self._playing.shown(now)
            tone = self._tone if now < self._tone_end else None
            return {
                "personality": dict(agent.mind.personality),
                "neural_state": {
                    **agent.mind.state(),
                    "distance": round(agent.ahead, 1),
                    "gyro": round(degrees(body.turn_rate), 1),
                    "sound": round(agent.sound, 1),
                    "light": round(agent.light, 1),
                },
                "inventory": dict(self._inventory),
                **({} if game is None else {"game_state": game}),
                "capabilities": dict(CAPABILITIES),
                "pose": _pose(body),
                "motors": {
                    "left": round(left, 3),
                    "right": round(right, 3),
                    "moving": not body.at_rest,
                },
                "leds": [list(show.color if show else led) for led in self._leds],
                "display": {"text": self._text},
                "sound": {"frequency": (show.frequency or None) if show else tone},
                "drawing": {"shape": self._drawing.shape if self._drawing else None},
                "arena": self.simulation.scene.arena(),
            }

    def telemetry(self) -> dict[str, Any]:
        """What changes all the time, flat.

        ``x``, ``y`` cm; ``heading`` deg; ``speed`` cm/s and ``turn_rate`` deg/s that the wheels
        give; ``distance`` cm, of the ultrasonic sensor; ``line`` bits (L2=8 L1=4 R1=2 R2=1) and
        ``line_offset`` -100 to 100, positive to the left, of the line sensor; ``light``, ``sound``,
        ``battery`` 0 to 100; ``encoder_left``, ``encoder_right`` deg that the wheels have turned;
        ``driven`` cm in all; ``bumped``, whether it touches something solid; ``mode``,
        ``tension``, ``coherence``, ``energy``, ``curiosity`` as in `neural_state`.
        """
        with self.simulation.moment() as now:
            agent, body = self._agent, self.simulation.body_now(self._agent)
            line, offset = agent.line(body)
            return {
                **_pose(body),
                "speed": round(body.speed, 3),
                "turn_rate": round(degrees(body.turn_rate), 3),
                "distance": round(agent.ahead, 1),
                "line": line,
                "line_offset": round(offset),
                "light": round(agent.light, 1),
                "sound": round(agent.sound, 1),
                "battery": round(agent.battery(now, body)),
                "encoder_left": round(degrees(body.rolled_left / (WHEEL / 2)), 1),
                "encoder_right": round(degrees(body.rolled_right / (WHEEL / 2)), 1),
                "driven": round(body.distance, 3),
                "bumped": agent.touching,
                **agent.mind.state(),
            }

    @property
    def path(self) -> list[tuple[float, float, float, float]]:
        """The way driven: rows of (t, x, y, heading), in s of the simulation, cm and degrees.

        Bounded to the last 20,000 points, which lie at most 0.5 cm or 3 degrees apart unless the
        robot is fast. The heading is not wrapped: it counts whole turns.
        """
        with self.simulation.moment() as now:
            rows = list(self._agent.trail.rows)
            body = self.simulation.body_now(self._agent)
        if (body.x, body.y, body.heading) != rows[-1][1:]:
            rows.append((now, body.x, body.y, body.heading))
        return [(t, x, y, degrees(heading)) for t, x, y, heading in rows]

    @property
    def distance_driven(self) -> float:
        """The distance that the middle of the robot has gone, cm."""
        with self.simulation.moment():
            return self.simulation.body_now(self._agent).distance

    @property
    def at_rest_since(self) -> float | None:
        """The clock's reading when the wheels last stopped; None while they turn."""
        with self.simulation.moment():
            agent = self._agent
            if not self.simulation.body_now(agent).at_rest:
                return None
            moving, rest = not agent.body.at_rest, agent.body.time_to_rest
            return self.simulation.reading(self.simulation.t + rest if moving else agent.rested_at)

    @property
    def motion(self) -> Motion | None:
        """The motion under way, or None."""
        with self.simulation.moment():
            return self._motion

    # Commands.

    def execute(self, command: c.Command) -> Outcome:
        """Carry out one command; what happens by it is reported when the lock has been given back.

        A command made by hand is held to the same ranges as one from the wire.
        """
        checked = c.parse(command.name, command.params())
        with self.simulation.moment():
            return super().execute(checked)

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
        now = self.simulation.now
        match command:
            case c.Drive(left=left, right=right, duration=duration):
                return self._drive(left, right, duration)
            case c.Move(wheels=(left, right), duration=duration):
                return self._drive(left, right, duration)
            case c.UpdatePersonality():
                event = self._agent.mind.change_personality(command.params())
                self.report("personality_changed", event)
            case c.SetLed(r=r, g=g, b=b, index=index):
                for at in range(LEDS) if index is None else (index - 1,):
                    self._leds[at] = (r, g, b)
            case c.PlayTone(frequency=frequency, duration=duration):
                self._tone, self._tone_end = frequency, now + duration
                self._agent.sound_tone(now, duration)
            case c.DisplayText(text=text):
                self._text = text
            case c.StartDrawing(shape=shape, points=points):
                drawing = prepare(shape, points, now)
                return self._start_motion(drawing.changes, drawing)
            case c.StopDrawing() if self._drawing is not None:
                self.halt()
            case c.StartGame(game=game):
                self._agent.sound_tone(now, self._playing.start(game, now))
                return self._playing.state()
            case c.GameMove(move=move):
                self._agent.sound_tone(now, self._playing.move(move, now))
                return self._playing.state()
            case c.StopGame(game=game):
                self._playing.stop(game)
            case c.SortPieces():
                return self._sort()
            case c.SyncInventory():
                return self._report_inventory()
            case c.Void() | c.StopDrawing():
                pass
            case _:
                why = (
                    f"the simulated mBot2 has no {command.name!r} of its own: register a handler "
                    f"for it on the server, with @server.command({command.name!r})"
                )
                raise CommandRejectedError("UNSUPPORTED", why, command=command.name)
        return None

    def halt(self) -> None:
        """Brake as hard as the wheels can and end the motion under way as `stopped`."""
        with self.simulation.moment() as now:
            if not self._agent.body.at_rest or self._agent.plan:
                self.simulation.set_plan(self._agent, [(now, 0.0, 0.0)])
            self._finish("stopped")

    # Inside.

    def _drive(self, left: float, right: float, duration: float) -> Motion:
        now = self.simulation.now
        return self._start_motion([(now, left, right), (now + duration, 0.0, 0.0)])

    def _start_motion(self, plan: list[Change], drawing: Drawing | None = None) -> Motion:
        """Follow a plan from now on; its last change is the end of the motion."""
        now, end = self.simulation.now, plan[-1][0]
        self._finish("replaced")
        self.simulation.set_plan(self._agent, plan)
        self._drawing = drawing
        self._motion = motion = Motion(end - now)
        if end > now:
            self._motion_end = self.simulation.call_at(end, lambda: self._finish("time"))
        else:
            self._finish("time")
        return motion

    def _finish(self, how: Ended) -> None:
        """The motion under way has ended."""
        motion, self._motion = self._motion, None
        drawing, self._drawing = self._drawing, None
        if self._motion_end is not None:
            self._motion_end.cancel()
            self._motion_end = None
        if motion is not None:
            self.simulation.post(lambda: motion.end(how))
        if drawing is not None:
            if how != "time":
                # note the very end; one that ends by its time stands already, and is noted
                self.simulation.commit()
                self._agent.trail.record(self.simulation.now, self._agent.body, always=True)
            until = min(self.simulation.now, drawing.end)
            self.report(
                "drawing_complete", drawing.result(self._agent.trail.rows, until, how == "time")
            )

    def _sort(self) -> dict[str, Any]:
        """Take the pieces within reach into the inventory."""
        pieces = self.simulation.take_pieces(self._agent, PICKUP_RADIUS)
        for piece in pieces:
            self._inventory[piece.color] += 1
        if pieces:
            self._inventory["last_updated"] = int(time.time() * 1000)
        return self._report_inventory([piece.color for piece in pieces])

    def _report_inventory(self, colors: list[str] | None = None) -> dict[str, Any]:
        inventory: dict[str, Any] = {"inventory": dict(self._inventory), "sorted": colors or []}
        self.report("inventory_updated", inventory)
        return inventory


def _pose(body: Body) -> dict[str, float]:
    return {
        "x": round(body.x, 3),
        "y": round(body.y, 3),
        "heading": round(degrees(body.heading) % 360, 3) % 360,
    }
