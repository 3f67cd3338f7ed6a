"""What can be drawn as delays over time: a recorder's round trips, a run of the lab, or plain
numbers, all in one form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from ..errors import UsageError
from ..recording.summary import HELD_UP_MS
from .figure import MARK

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "Floats",
    "Series",
    "batchings",
    "draw_cuts",
    "floats",
    "named",
    "networks_in_words",
    "series_of",
]

Floats = NDArray[np.float64]


def floats(column: pd.Series[Any]) -> Floats:
    """A column as an array."""
    return column.to_numpy(dtype=np.float64)


class Series(NamedTuple):
    """Delays over time, and what happened meanwhile. Times are seconds from the start."""

    name: str
    what: str
    """`round trip`, `command`: one of the rows."""
    t: Floats
    ms: Floats
    """Without what was never answered."""
    held: NDArray[np.bool_]
    """Held up by a blocked event loop."""
    ends: NDArray[np.bool_]
    """In the warm-up, or after the end of the schedule."""
    lost: int
    stalls: Floats
    """Rows of begin and end."""
    changes: pd.DataFrame | None = None
    """Of the connection, with `t_s`."""
    blockers: tuple[str, ...] = ()
    """For each stall what was blocked, and by whom if that is known."""
    settings: str = ""
    by_rank: bool = True
    """Whether a percentile is one of the values, as in the lab; else it lies between two, as in a
    recorder's summary."""

    @property
    def plain(self) -> Floats:
        """What statistics are made of: without stalls and ends."""
        return self.ms[~self.held & ~self.ends]

    def quantile(self, share: float) -> float:
        """A quantile of :attr:`plain`, by the method of whoever made the series."""
        return float(
            np.quantile(self.plain, share, method="inverted_cdf" if self.by_rank else "linear")
        )

    def with_settings(self, details: str) -> str:
        """What a picture is based on: the details, and the settings in a line of their own."""
        return f"{details}\n{self.settings}" if self.settings else details

    @property
    def details(self) -> str:
        """n, and what was left out."""
        words = [f"n = {len(self.plain)}"]
        if self.held.any():
            words.append(f"{int(self.held.sum())} in stalls left out")
        if self.ends.any():
            words.append(f"{int(self.ends.sum())} of warm-up left out")
        if self.lost:
            words.append(f"{self.lost} lost")
        return ", ".join(words)


def series_of(source: Any, what: str = "") -> Series:
    """What a recorder or recording, a run of the lab, or a sequence of seconds has to show.

    Raises:
        UsageError: it is none of them.
    """
    if hasattr(source, "samples") and hasattr(source, "delays"):
        return _of_run(source)
    if hasattr(source, "latency") and hasattr(source, "connection"):
        return _of_recorder(source)
    try:
        seconds = np.asarray(source, dtype=np.float64)
    except (TypeError, ValueError):
        seconds = np.empty((0, 0))
    if seconds.ndim != 1:
        raise UsageError(
            f"there are no delays to draw in {type(source).__name__}: pass a recorder, what "
            "`await lab.ping(...)` or `await lab.load(...)` gave, or one column of seconds"
        )
    known = seconds[~np.isnan(seconds)]
    t, nothing = np.arange(len(known), dtype=np.float64), np.zeros(len(known), dtype=bool)
    lost, stalls = len(seconds) - len(known), np.empty((0, 2))
    return Series("", what or "value", t, known * 1e3, nothing, nothing, lost, stalls)


def named(series: Series, number: int, of: int) -> str:
    """What a legend calls one of several."""
    return series.name or (f"{series.what}s" if of == 1 else f"{series.what}s {number + 1}")


def draw_cuts(ax: Axes, series: Series) -> int:
    """A dashed line for each loss of the connection; returns how many there are."""
    if series.changes is None:
        return 0
    changes = series.changes
    lost = changes[(changes.previous == "connected") & (changes.state != "connected")]
    for number, time in enumerate(lost.t_s):
        label = None if number else f"connection lost ({len(lost)})"
        ax.axvline(time, color=MARK, linewidth=1.2, linestyle="--", label=label)
    return len(lost)


def _of_run(run: Any) -> Series:
    samples = run.samples
    answered = samples[run.figure].notna().to_numpy()
    kept = samples[answered]
    ends = kept["warm_up"].to_numpy(dtype=bool)
    if "cool_down" in kept:
        ends = ends | kept["cool_down"].to_numpy(dtype=bool)
    stalls = run.stalls
    begin = floats(stalls["t_s"])
    return Series(
        name=run.name,
        what="round trip" if run.kind == "ping" else "command",
        t=floats(kept["t_s"]),
        ms=floats(kept[run.figure]),
        held=kept["stalled"].to_numpy(dtype=bool),
        ends=ends,
        lost=run.lost,
        stalls=np.column_stack([begin, begin + floats(stalls["blocked_ms"]) / 1e3]),
        changes=run.connection,
        blockers=_blockers(stalls, notebook=bool(run.settings.get("notebook"))),
        settings=_run_settings(run.settings),
    )


def _of_recorder(rec: Any) -> Series:
    trips, stalls, connection = rec.latency, rec.stalls, rec.connection
    clocks = (trips.sent_s, stalls.begin_s, connection.time_s)
    start = min((float(times.min()) for times in clocks if len(times)), default=0.0)
    return Series(
        name="",
        what="round trip",
        t=floats(trips.sent_s) - start,
        ms=floats(trips.rtt_ms),
        held=(trips.loop_lag_ms >= HELD_UP_MS).to_numpy(dtype=bool),
        ends=np.zeros(len(trips), dtype=bool),
        lost=0,
        stalls=np.column_stack([stalls.begin_s, stalls.end_s]).astype(np.float64) - start,
        changes=connection.assign(t_s=connection.time_s - start),
        blockers=_blockers(stalls, notebook=rec.metadata.get("cell") is not None),
        settings=_recorder_settings(rec.metadata),
        by_rank=False,
    )


def _blockers(stalls: pd.DataFrame, *, notebook: bool) -> tuple[str, ...]:
    """Words for the loops that were blocked. What blocks the I/O thread may be a handler, or code
    that lets no thread run."""
    caller = "a cell blocked the loop" if notebook else "something blocked the loop"
    return tuple(
        "the I/O thread was blocked" if loop == "I/O thread" else caller for loop in stalls["loop"]
    )


def _run_settings(settings: Mapping[str, Any]) -> str:
    """The settings of a run that a reader wants to know, in one line."""
    thing = "pings" if settings["experiment"] == "ping" else "commands"
    words = [f"{settings['rate']:g} {thing}/s for {settings['duration_s']:g} s"]
    if settings["experiment"] == "load":
        words.append(
            _batching(settings["batch_window"], settings["max_batch_size"], settings["policy"])
        )
        if settings["work_s"]:
            words.append(f"{settings['work_s'] * 1e3:g} ms of work each")
    words.append(networks_in_words(settings["networks"]))
    words.append(f"client on the {settings['home'].removeprefix('the ')}")
    return ", ".join(words)


def networks_in_words(networks: Sequence[Mapping[str, Any]]) -> str:
    """The relays between, with their seeds."""
    named = [f'"{network["name"] or "own"}", seed {network["seed"]}' for network in networks]
    return "network " + " and ".join(named) if named else "no relay between"


def _batching(window: float, size: int, policy: str) -> str:
    if window <= 0:
        return "no batching"
    return f"{'adaptive, ' if policy == 'adaptive' else ''}window {window * 1e3:g} ms, size {size}"


def batchings(metadata: Mapping[str, Any]) -> list[tuple[float, int, str]]:
    """How commands shared frames: from when on (the clock of the `_s` columns), how many at most,
    and all of it in words."""
    # Recordings of a server, and of earlier versions, know only how it was set.
    known = metadata.get("batching") or [{**metadata["settings"], "since_s": float("-inf")}]
    return [
        (
            one["since_s"],
            one["max_batch_size"],
            _batching(one["batch_window"], one["max_batch_size"], one["batch_policy"]),
        )
        for one in known
    ]


def _recorder_settings(metadata: Mapping[str, Any]) -> str:
    recorder, settings = metadata.get("recorder", {}), metadata.get("settings", {})
    words = [f"{recorder['ping_rate']:g} pings/s"] if recorder.get("ping_rate") else []
    if "batch_window" in settings:
        words.append(", then ".join(dict.fromkeys(known for _, _, known in batchings(metadata))))
    if metadata.get("side") == "client":
        words += [f"profile {metadata['profile']}", networks_in_words(metadata.get("networks", ()))]
    return ", ".join(words)
