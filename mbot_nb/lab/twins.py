"""One program on two robots, a simulated and a real one, and what is different: the way, the turns,
how soon they begin."""

from __future__ import annotations

import asyncio
import inspect
import json
from collections.abc import Awaitable, Callable
from html import escape
from itertools import pairwise
from math import cos, hypot, isnan, radians, sin
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..commands import MOTIONS
from ..errors import UsageError
from ..loops.call import Call
from ..loops.home import Home
from ..recording.recorder import Recorder
from ..robots.dimensions import TRACK

if TYPE_CHECKING:
    import pandas as pd

    from ..client import Client

__all__ = ["Twin", "twin"]

Program = Callable[["Client"], Awaitable[Any]]

SETTLE = 0.5
"""Seconds after the program in which the last of the motion is reported."""
STEADY_PART = (0.15, 0.85)
"""The part of a motion in which its speed is even: the line through it tells when it began, between
two reports too."""
NEGLIGIBLE = 0.01
"""A difference of less is none."""


class _Pose(NamedTuple):
    t: float
    x: float
    y: float
    heading: float


def twin(
    program: Program,
    simulated: Client,
    real: Client,
    *,
    names: tuple[str, str] = ("simulated", "real"),
) -> Call[Twin]:
    """Run ``program(bot)`` on both robots at the same time, and compare; await it.

    Both ways begin at the origin and look along x, wherever the robots stand. What is compared is
    what the robots tell of themselves: of a real one that is what its encoders count, by its
    calibration.

    Args:
        program: an async function of one client, which drives it.
        simulated, real: the clients of the two robots; any two will do.
        names: what they are called in tables and pictures.

    Raises:
        UsageError: the program is none, or a robot does not tell where it is (an mBot has no
            encoders).
    """
    return Call(Home.here, lambda: _twin(program, simulated, real, names), "lab.twin()")


async def _twin(program: Program, simulated: Client, real: Client, names: tuple[str, str]) -> Twin:
    if not inspect.iscoroutinefunction(program):
        raise UsageError(
            "twin(program, ...) needs the function itself: `async def program(bot): ...`, passed "
            "without ()"
        )
    if simulated is real:
        raise UsageError(
            "twin(...) needs two robots, and was given one twice: `await mb.connect(await "
            "mb.serve(port=0))` is another"
        )
    recorders = [Recorder(bot, ping_rate=0) for bot in (simulated, real)]
    try:
        starts = await asyncio.gather(
            *(_current_pose(bot, name) for bot, name in zip((simulated, real), names, strict=True))
        )
        runs = [asyncio.ensure_future(_run(program, bot)) for bot in (simulated, real)]
        try:
            began = await asyncio.gather(*runs)
        except BaseException:
            for run in runs:
                run.cancel()
            for bot in (simulated, real):
                bot.stop()
            raise
        await asyncio.sleep(SETTLE)
    finally:
        for recorder in recorders:
            recorder.stop()
    calibration = real.state.get("calibration")
    measured = True if calibration is None else bool(calibration["measured"])
    sides = [
        _Side(name, rec, *at)
        for name, rec, at in zip(names, recorders, zip(began, starts, strict=True), strict=True)
    ]
    return Twin((sides[0], sides[1]), measured)


async def _run(program: Program, bot: Client) -> float:
    began = bot.home.loop.time()
    await program(bot)
    return began


async def _current_pose(bot: Client, name: str) -> _Pose:
    """Ask the robot where it stands before it begins."""
    await bot.sync_state()
    pose = _pose(bot.home.loop.time(), bot.state.to_dict().get("pose"))
    if pose is None:
        raise UsageError(
            f"the {name} robot does not tell where it is, so its way cannot be compared: an mBot "
            "has no encoders"
        )
    return pose


def _pose(t: float, reported: Any) -> _Pose | None:
    if isinstance(reported, dict) and all(
        isinstance(reported.get(key), (int, float)) for key in ("x", "y", "heading")
    ):
        return _Pose(t, float(reported["x"]), float(reported["y"]), float(reported["heading"]))
    return None


class _Side:
    """One robot's half: its way from the origin, and its motions."""

    def __init__(self, name: str, recorder: Recorder, began: float, start: _Pose) -> None:
        self.name = name
        events = recorder.events
        telemetry = events[events["name"] == "telemetry"]
        found = map(_pose, telemetry.time_s, map(json.loads, telemetry.data))
        later = [pose for pose in found if pose is not None and pose.t > start.t]
        whole, last = 0.0, start.heading
        c, s = cos(radians(start.heading)), sin(radians(start.heading))
        self.poses: list[_Pose] = []
        for pose in [start._replace(t=min(start.t, began)), *later]:
            whole += (pose.heading - last + 180) % 360 - 180  # it may have turned round and round
            last = pose.heading
            x, y = pose.x - start.x, pose.y - start.y
            self.poses.append(_Pose(pose.t - began, x * c + y * s, y * c - x * s, whole))
        commands = recorder.commands
        moves = commands.name.isin(sorted(MOTIONS)) & commands.answered_s.notna()
        rows = commands[moves & (commands.queued_s >= began)]
        spans = list(zip(rows.name, rows.queued_s - began, rows.answered_s - began, strict=True))
        ends = [*(at for _, at, _ in spans[1:]), self.poses[-1].t][: len(spans)]
        self.motions = [self._motion(*span, end) for span, end in zip(spans, ends, strict=True)]

    def _motion(self, name: str, asked: float, answered: float, until: float) -> dict[str, Any]:
        between = [pose for pose in self.poses if asked < pose.t < until]
        poses = [self.at(asked), *between, self.at(until)]
        steps = [hypot(b.x - a.x, b.y - a.y) for a, b in pairwise(poses)]
        return {
            "robot": self.name,
            "name": name,
            "asked_s": asked,
            "answered_s": answered,
            "began_ms": _beginning(poses, asked),
            "way_cm": sum(steps),
            "turn_deg": poses[-1].heading - poses[0].heading,
        }

    @property
    def began(self) -> list[float]:
        """How long after its command each motion began, ms, of those of which the reports show
        it."""
        return [motion["began_ms"] for motion in self.motions if not isnan(motion["began_ms"])]

    def at(self, t: float) -> _Pose:
        """Where it was at a time, between two reports."""
        times, *columns = zip(*self.poses, strict=True)
        return _Pose(t, *(float(np.interp(t, times, column)) for column in columns))


def _beginning(poses: list[_Pose], asked: float) -> float:
    """Milliseconds from the command until it moved, as its reports show it; NaN where too few of
    them fell into the motion.

    Good to about the age of a report when it comes: a few ms of a simulated robot, some 50 ms of a
    real mBot2, which tells what its encoders count twenty times a second.
    Of way and turn only the one that is more counts: the other may be the end of the motion before.
    """
    steps = np.array([hypot(b.x - a.x, b.y - a.y) for a, b in pairwise(poses)])
    turns = np.array([radians(abs(b.heading - a.heading)) * TRACK / 2 for a, b in pairwise(poses)])
    done = np.concatenate([[0.0], np.cumsum(max(steps, turns, key=np.sum))])
    times = np.array([pose.t for pose in poses])
    low, high = (share * done[-1] for share in STEADY_PART)
    even = (done >= low) & (done <= high)
    if done[-1] <= 0 or even.sum() < 2:
        return float("nan")
    speed, offset = np.polyfit(times[even], done[even], 1)
    return float((-offset / speed - asked) * 1e3) if speed > 0 else float("nan")


class Twin:
    """What two robots made of one program. ``print(twin)`` names the difference;
    `mb.plots.twin(twin)` shows both ways."""

    def __init__(self, sides: tuple[_Side, _Side], measured: bool) -> None:
        self._sides = sides
        self.measured = measured
        """Whether the real robot's constants are its own; else its encoders are taken for those of
        the robot in the book."""

    @property
    def names(self) -> tuple[str, str]:
        """What the two are called: the simulated one first."""
        return self._sides[0].name, self._sides[1].name

    @property
    def paths(self) -> pd.DataFrame:
        """Where each was: ``robot``, ``t_s`` since the program began, ``x`` and ``y`` in cm,
        ``heading`` in degrees (whole turns count)."""
        import pandas as pd

        rows = [(side.name, *pose) for side in self._sides for pose in side.poses]
        return pd.DataFrame(rows, columns=["robot", "t_s", "x", "y", "heading"])

    @property
    def motions(self) -> pd.DataFrame:
        """Each motion: when it was ``asked_s`` for and ``answered_s``, after how long it
        ``began_ms`` as the reports show it, and the ``way_cm`` and ``turn_deg`` from then until the
        next was asked for."""
        import pandas as pd

        columns = ["robot", "name", "asked_s", "answered_s", "began_ms", "way_cm", "turn_deg"]
        rows = [motion for side in self._sides for motion in side.motions]
        return pd.DataFrame(rows, columns=columns)

    @property
    def summary(self) -> pd.DataFrame:
        """What is compared, side by side: ``way_cm``, ``turned_deg`` (either way), ``began_ms``
        (median; good to some 50 ms with a real robot) and ``apart_cm``."""
        import pandas as pd

        table = pd.DataFrame({side.name: self._sums(side) for side in self._sides})
        ours, theirs = (table[name] for name in self.names)
        table["difference"] = theirs - ours
        table["ratio"] = theirs / ours.where(ours != 0)
        table.loc["apart_cm"] = [0.0, self.apart, self.apart, float("nan")]
        return table

    @property
    def apart(self) -> float:
        """How far from each other they ended, cm."""
        ends = [side.poses[-1] for side in self._sides]
        return hypot(ends[1].x - ends[0].x, ends[1].y - ends[0].y)

    def _began(self) -> list[str]:
        """As `began to move 62 ms after a command (46 to 82), the simulated one after 48 (28 to
        53)`: medians of motions, whose spread says what the medians are worth."""
        ours, theirs = (side.began for side in self._sides)
        if not ours or not theirs:
            return []
        (us, our_range), (them, their_range) = (
            (float(np.median(began)), f"({min(began):.0f} to {max(began):.0f})")
            for began in (ours, theirs)
        )
        return [
            f"began to move {them:.0f} ms after a command {their_range}, the {self.names[0]} one "
            f"after {us:.0f} {our_range}"
        ]

    @staticmethod
    def _sums(side: _Side) -> dict[str, float]:
        return {
            "way_cm": sum(motion["way_cm"] for motion in side.motions),
            "turned_deg": sum(abs(motion["turn_deg"]) for motion in side.motions),
            "began_ms": float(np.median(side.began)) if side.began else float("nan"),
        }

    @property
    def difference(self) -> str:
        """The difference in words."""
        first, second = self.names
        ours, theirs = (self._sums(side) for side in self._sides)
        words = [
            _compared(ours["way_cm"], theirs["way_cm"], first, "drove", "cm"),
            _compared(ours["turned_deg"], theirs["turned_deg"], first, "turned", "degrees"),
        ]
        words += self._began()
        words.append(f"ended {self.apart:.1f} cm from where its twin did")
        text = f"The {second} robot {', '.join(words[:-1])} and {words[-1]}."
        if not self.measured:
            text += (
                " Its constants are those of the book: what a tape measure says of it is not in "
                "this. Drive 50 cm, measure, and tell it: "
                '`await bot.send_command("calibrate", distance=...)`.'
            )
        return text

    def __repr__(self) -> str:
        return f"<Twin of {len(self.motions) // 2} motions. {self.difference}>"

    def _repr_html_(self) -> str:
        shown = self.summary.round(2).to_html(na_rep="")
        return f"<p>{escape(self.difference)}</p>{shown}"


def _compared(ours: float, theirs: float, first: str, did: str, unit: str) -> str:
    """As `drove 5.1 % less far (93.0 cm, the simulated one 98.0)`."""
    both = f"({theirs:.1f} {unit}, the {first} one {ours:.1f})"
    if ours == 0 or abs(theirs - ours) <= NEGLIGIBLE * ours:
        return f"{did} as far {both}"
    how = "less" if theirs < ours else "more"
    return f"{did} {abs(theirs / ours - 1) * 100:.1f} % {how} {both}"
