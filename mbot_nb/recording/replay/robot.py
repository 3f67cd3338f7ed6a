"""A recording served as if it were live: `mb.serve(mb.ReplayRobot("run.mbot"))`."""

from __future__ import annotations

import math
import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from html import escape
from numbers import Real
from pathlib import Path
from typing import Any

from ... import commands as c
from ...errors import CommandRejectedError, UsageError
from ...robot import Report, Robot
from ...robots.timer import Timer
from ...robots.watchdog import shared
from ..recorder import Recorder
from ..recording import Recording
from .timeline import Source, Timeline

__all__ = ["ReplayRobot"]

MAX_SPEED = 1000.0
MOST_AT_ONCE = 500
"""Events reported without giving the watchdog's thread back: the ends of other robots' motions must
not wait."""
ACTIONS = "play, pause, seek (position), speed (value), loop (on), status"

Reports = list[tuple[str, Mapping[str, Any]]]


class ReplayRobot(Robot):
    """A robot that lives its recording again: state, events and telemetry come when they came then.

        server = await mb.serve(mb.ReplayRobot("run.mbot", speed=2))
        bot = await mb.connect(server)             # it begins when the first client has come
        await bot.custom("seek", position=12.5)    # also: play, pause, speed (value), loop (on),
                                                   # status

    The same may be called here: :meth:`play`, :meth:`pause`, :meth:`seek`; :attr:`speed` and
    :attr:`loop` can be set. Clients find in ``state.replay`` what is replayed and how, and hear
    `replay_changed` when that changes, at the end and at each new round.

    Where it is in the recording is a function of time. A cell that blocks the server's loop does
    not stretch it: what happened meanwhile comes when the loop runs again, of telemetry the latest
    only. What has been cannot be changed, so that motion, light, sound and games are refused
    (``UNSUPPORTED``). A stop holds the replay.

    Args:
        source: a file that a recorder has written, a `Recording`, or a `Recorder`, whose rows until
            now are taken.
        speed: seconds of the recording that pass in one second, up to 1000.
        loop: begin again at the end.
        paused: begin when :meth:`play` says so.
        clock: gives seconds. With another one than ``time.monotonic`` call :meth:`advance` to have
            events reported.
        robot_id: its name; the recorded robot's and "(replay)" if none is given.

    Raises:
        UsageError: there is nothing in it to replay, or a value is out of its range.
    """

    telemetry_interval = 0.05
    pushes_telemetry = True
    takes_custom = True

    def __init__(
        self,
        source: str | Path | Source,
        *,
        speed: float = 1.0,
        loop: bool = False,
        paused: bool = False,
        clock: Callable[[], float] = time.monotonic,
        robot_id: str | None = None,
    ) -> None:
        super().__init__()
        self.source, recording = _load(source)
        self.timeline = Timeline(recording, self.source)
        self.robot_id = robot_id or _robot_of(recording)
        self._clock = clock
        self._speed = _speed(speed)
        self._loop = bool(loop)
        self._begins = not paused
        self._waits = False
        """For a first client."""
        self._playing = False
        self._since = 0.0
        """The clock's reading at which it was at ``_from``."""
        self._from = 0.0
        self._next = 0
        """The next event to be reported."""
        self._rounds = 0
        self._own_latch: str | None = None
        self._alarm: Timer | None = None

    # What it looks like.

    def __repr__(self) -> str:
        status = self.status()
        how = "at its end" if self._from >= self.duration else "paused"
        if status["playing"]:
            how = "playing"
        speed = "" if self._speed == 1 else f", {self._speed:g} times as fast as it was"
        loop = ", in a loop" if status["loop"] else ""
        return (
            f"<ReplayRobot of {self.source}: at {status['position']:.1f} of {self.duration:.1f} "
            f"s, {how}{speed}{loop}; {len(self.timeline)} events>"
        )

    def _repr_html_(self) -> str:
        share = self.position / self.duration if self.duration else 1.0
        return (
            f"<div>{escape(repr(self)[1:-1])}<br><progress value='{share:.3f}' max='1' "
            "style='width:20em'></progress></div>"
        )

    # Where it is.

    @property
    def duration(self) -> float:
        """How long the recording is, in seconds."""
        return self.timeline.duration

    @property
    def position(self) -> float:
        """Where it is now, in seconds since the recording's beginning."""
        with self.lock:
            reached = self._reached()
            again = self._loop and reached > self.duration
            return reached % self.duration if again else min(reached, self.duration)

    @property
    def playing(self) -> bool:
        """Whether time passes in it."""
        with self.lock:
            return self._playing and (self._loop or self._reached() < self.duration)

    @property
    def speed(self) -> float:
        """Seconds of the recording that pass in one second. Can be set, also while it plays."""
        return self._speed

    @speed.setter
    def speed(self, value: float) -> None:
        value = _speed(value)
        with self._reporting() as reports:
            self._from, self._since = self.position, self._clock()
            self._speed = value
            reports += self._changed("speed")

    @property
    def loop(self) -> bool:
        """Whether it begins again at the end. Can be set."""
        return self._loop

    @loop.setter
    def loop(self, value: bool) -> None:
        with self._reporting() as reports:
            self._from, self._since = self.position, self._clock()
            self._loop = bool(value)
            reports += self._changed("loop")

    def status(self) -> dict[str, Any]:
        """Where it is and how it plays: `source`, `position` and `duration` in s, `playing`,
        `speed`, `loop`, `rounds`."""
        with self.lock:
            return {**self._settings(), "position": round(self.position, 3)}

    # What its user does.

    def play(self) -> None:
        """Go on from here; from the beginning, if it is at its end.

        Raises:
            CommandRejectedError: ``STOPPED`` while an emergency stop stands that was given to the
                replay.
        """
        with self._reporting() as reports:
            if self._own_latch is not None:
                raise CommandRejectedError(
                    "STOPPED",
                    "an emergency stop holds the replay: release it first, with Release beside "
                    "Stop, or `await bot.release_stop()`",
                    details={"latch": self._own_latch},
                )
            reports += self._due()
            self._waits = False
            if not self._playing:
                if self._from >= self.duration:
                    self._move_to(0.0)
                self._since = self._clock()
                self._playing = True
                reports += self._changed("play")

    def pause(self) -> None:
        """Hold it here."""
        with self._reporting() as reports:
            reports += self._pause()

    def seek(self, position: float) -> None:
        """Go to this position, in seconds since the recording's beginning; what lies between is not
        reported.

        Raises:
            UsageError: there is no such position.
        """
        if not _is_number(position) or not 0 <= position <= self.duration:
            raise UsageError(
                f"{self.source} goes from 0 to {self.duration:g} s: there is no position "
                f"{position!r}"
            )
        with self._reporting() as reports:
            self._move_to(float(position))
            reports += self._changed("seek")

    def advance(self) -> None:
        """Report what has come to pass until now. With the usual clock this happens by itself."""
        with self._reporting() as reports:
            reports += self._due()

    # What a server asks and tells.

    def state(self) -> dict[str, Any]:
        """The recorded state at this moment, and ``replay``: as :meth:`status`, but while it plays
        its ``position`` is told each second, counted from where it began to play, or was
        changed."""
        with self.lock:
            position = self.position
            state = self.timeline.state(position)
            if self._own_latch is None:
                self.latch = state.get("latch")
            own = {
                name: dict(value) if isinstance(value, dict) else value
                for name, value in state.items()
            }
            if self.playing:
                position = max(0.0, self._from + math.floor(position - self._from))
            return {**own, "replay": {**self._settings(), "position": round(position, 3)}}

    def telemetry(self) -> dict[str, Any]:
        """The recorded telemetry at this moment, the last that had come."""
        return dict(self.timeline.telemetry(self.position))

    def attach(self, report: Report) -> None:
        """Be served: begin when a first client has come, unless it was made ``paused``."""
        super().attach(report)
        with self.lock:
            self._waits = self._begins

    def watched(self) -> None:
        """A first client has come: begin, unless it is to wait for :meth:`play`, or has begun
        before."""
        with self.lock:
            begin = self._waits and self._own_latch is None
        if begin:
            self.play()

    def execute(self, command: c.Command) -> Mapping[str, Any] | None:
        """Carry out `custom`; refuse the rest. What was recorded stands, an emergency stop or
        none."""
        return self.perform(c.parse(command.name, command.params()))

    def perform(self, command: c.Command) -> Mapping[str, Any] | None:
        """Carry out a command that has been checked."""
        if isinstance(command, c.Void):
            return None
        if isinstance(command, c.CustomCommand):
            return self._control(command)
        raise CommandRejectedError(
            "UNSUPPORTED",
            f"{command.name}: this is a replay of {self.source}, and what has been cannot be "
            f'changed. It obeys `await bot.custom("seek", position=3)` and the actions {ACTIONS}; '
            "for a robot that moves: `await mb.serve()`",
            command=command.name,
        )

    def halt(self) -> None:
        """Hold the replay; called with the lock held."""
        self._report_all(self._pause())

    def emergency_stop(self, reason: str = "emergency_stop") -> str:
        """Hold the replay until the stop is released; returns its latch."""
        with self.lock:
            self._own_latch = latch = super().emergency_stop(reason)
        return latch

    def release_stop(self, latch: str) -> None:
        """Let the replay be played again.

        Raises:
            CommandRejectedError: ``UNSUPPORTED`` for a stop that is part of the recording;
                ``STATE_CONFLICT`` for another one.
        """
        with self.lock:
            if self._own_latch is None and self.latch is not None:
                raise CommandRejectedError(
                    "UNSUPPORTED",
                    "this emergency stop is part of the recording, and ends when it ended then",
                    command="release_stop",
                )
            super().release_stop(latch)
            self._own_latch = None

    def close(self) -> None:
        """Hold it, and leave nothing waiting on the watchdog."""
        with self.lock:
            self._pause()

    # Inside. All with the lock held, but for `_reporting` and `_on_alarm`.

    @contextmanager
    def _reporting(self) -> Iterator[Reports]:
        """Holds the lock, and reports afterwards, without it, what was collected meanwhile."""
        with self.lock:
            reports: Reports = []
            yield reports
        self._report_all(reports)

    def _settings(self) -> dict[str, Any]:
        return {
            "source": self.source,
            "duration": round(self.duration, 3),
            "playing": self.playing,
            "speed": self._speed,
            "loop": self._loop,
            "rounds": self._rounds,
        }

    def _control(self, command: c.CustomCommand) -> Mapping[str, Any]:
        """What a client asks of the replay; the answer is its status."""
        values = command.params()
        action = values.pop("action", None)
        try:
            match action, values:
                case "play", {**rest} if not rest:
                    self.play()
                case "pause", {**rest} if not rest:
                    self.pause()
                case "seek", {"position": position, **rest} if not rest:
                    self.seek(position)
                case "speed", {"value": value, **rest} if not rest:
                    self.speed = value
                case "loop", {"on": bool(on), **rest} if not rest:
                    self.loop = on
                case "status", {**rest} if not rest:
                    pass
                case _:
                    given = ", ".join([repr(action), *values])
                    raise UsageError(
                        f"the replay takes the actions {ACTIONS}, and was given {given}"
                    )
        except UsageError as error:
            words = f"custom: {error}"
            raise CommandRejectedError("INVALID_PARAMS", words, command="custom") from None
        return self.status()

    def _reached(self) -> float:
        """The position as if the recording had no end."""
        passed = (self._clock() - self._since) * self._speed if self._playing else 0.0
        return self._from + passed

    def _move_to(self, position: float) -> None:
        self._from, self._since = position, self._clock()
        self._next = self.timeline.first_event(position)

    def _pause(self) -> Reports:
        self._waits = False
        if not self._playing:
            return []
        self._from = self.position
        self._playing = False
        return self._changed("pause")

    def _changed(self, why: str) -> Reports:
        """Set the alarm anew, and report the change."""
        self._set_alarm()
        return [("replay_changed", {"why": why, **self.status()})]

    def _due(self) -> Reports:
        """What is to be reported now."""
        reports: Reports = []
        timeline, duration = self.timeline, self.duration
        while self._playing:
            reached = self._reached()
            end = timeline.events_until(min(reached, duration))
            stop = max(self._next, min(end, self._next + MOST_AT_ONCE - len(reports)))
            reports += [
                (name, {} if data is None else data)
                for _, name, data in map(timeline.event, range(self._next, stop))
            ]
            self._next = stop
            if stop < end or reached < duration:
                break
            if self._loop and duration > 0:
                # Whole rounds that nobody could hear are counted, and not told one by one.
                rounds = int(reached // duration)
                self._rounds += rounds
                self._from -= rounds * duration
                self._next = 0
                reports += self._changed("loop")
                continue
            self._from, self._playing = duration, False
            reports += self._changed("end")
        return reports

    def _report_all(self, reports: Reports) -> None:
        for event, data in reports:
            self.report(event, data)

    def _set_alarm(self) -> None:
        """Wake up for the next event, or for the end."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if not self._playing or self._clock is not time.monotonic:
            return
        times = self.timeline.times
        position = float(times[self._next]) if self._next < len(times) else self.duration
        # A robot that nobody holds any more is not kept alive by a recording that goes round.
        me = weakref.ref(self)

        def alarm() -> None:
            if (robot := me()) is not None:
                robot._on_alarm()

        self._alarm = shared().call_at(self._since + (position - self._from) / self._speed, alarm)

    def _on_alarm(self) -> None:
        try:
            self.advance()
        finally:
            with self.lock:
                self._set_alarm()


def _load(source: str | Path | Source) -> tuple[str, Source]:
    """What it is called, and its tables."""
    if isinstance(source, (str, Path)):
        source = Recording.load(source)
    elif isinstance(source, Recorder):
        # With the rows that had to leave its memory: the whole state is told at the beginning.
        source = source.to_recording()
    for table in ("events", "states"):
        if not hasattr(source, table):
            raise UsageError(
                f"mb.ReplayRobot(...) needs a recording or its file, and {type(source).__name__} "
                f"has no {table}"
            )
    place = getattr(source, "source", None)
    return Path(place).name if isinstance(place, str) else "a recording", source


def _robot_of(recording: Source) -> str:
    metadata = getattr(recording, "metadata", None)
    robot = metadata.get("robot") if isinstance(metadata, Mapping) else None
    name = robot.get("robotId") if isinstance(robot, Mapping) else None
    return f"{name} (replay)" if isinstance(name, str) and name else "replay"


def _is_number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _speed(value: float) -> float:
    if not _is_number(value) or not 0 < value <= MAX_SPEED:
        raise UsageError(
            f"speed is more than 0 and at most {MAX_SPEED:g} (1 is as it was), not {value!r}; to "
            "hold it: pause"
        )
    return float(value)
