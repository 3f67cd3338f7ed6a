"""What an experiment leaves: its samples as a table, its statistics, and everything that has to be
known to do it again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ..loops.monitor import Stall
from ..recording.capture.client_rows import connection_row
from .clock_offset import Offset
from .environment import Incidents
from .statistics import CONFIDENCE, Estimate, Floats, Gaps, percentile, table

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Run"]

ONE_WAY = ("up_ms", "down_ms", "wire_ms", "answer_ms")
"""What is measured from one clock to the other."""
_STALLS = {**dict.fromkeys(("begin_s", "end_s", "t_s", "blocked_ms"), "float64"), "loop": "str"}
_CONNECTION = {
    "time_s": "float64",
    "state": "str",
    "previous": "str",
    "attempt": "int64",
    "next_attempt_in_s": "float64",
    "reason": "str",
    "resumed": "boolean",
}
"""The columns of the table `connection`, and their types."""


class Run:
    """The base of results. ``samples`` has one row for each message; columns in `_s` are readings
    of the monotonic clock in seconds, as in the Recorder's tables, columns in `_ms` are durations
    in milliseconds."""

    kind: ClassVar[str] = "run"
    figure: ClassVar[str] = ""
    """The column that stands for the run: counted from the intended send time."""

    def __init__(
        self,
        name: str,
        settings: Mapping[str, Any],
        samples: pd.DataFrame,
        stalls: Sequence[Stall],
        incidents: Incidents,
        gaps: Gaps,
        start: float,
        clock: Offset | None = None,
    ) -> None:
        import pandas as pd

        self.name = name
        self.settings = dict(settings)
        """Everything that was set: rate, duration, warm-up, networks with their seeds, versions,
        and so on."""
        self.samples = samples
        blocked = [
            (one.begin, one.end, one.begin - start, one.seconds * 1e3, one.loop) for one in stalls
        ]
        self.stalls = pd.DataFrame(blocked, columns=list(_STALLS)).astype(_STALLS)
        """When an event loop that the messages passed was blocked, by a cell for example; `t_s`
        counts from the start, and `loop` says which one: the caller's loop (in a notebook: the
        cells'), or the I/O thread."""
        self.clock = clock
        """The server's clock against ours; None if it is not known."""
        self.notes = list(incidents.notes)
        """What went wrong on the way, in words."""
        self.gaps = gaps
        """Pauses between answers, whatever made them: the network, a cut, a blocked loop."""
        self.start = start
        rows = [connection_row(change) for change in incidents.changes]
        self.connection = pd.DataFrame(rows, columns=list(_CONNECTION)).astype(_CONNECTION)
        self.connection.insert(1, "t_s", self.connection["time_s"] - start)
        """Every change of the connection meanwhile, with the columns of the Recorder's table and
        `t_s`."""

    @property
    def n(self) -> int:
        """Messages sent or to be sent."""
        return len(self.samples)

    @property
    def lost(self) -> int:
        """Messages that were not answered in time, or could not be sent. They are in no
        percentile."""
        return int(self.samples[self.figure].isna().sum())

    @property
    def stalled(self) -> int:
        """Messages held up by a blocked event loop."""
        return int(self.samples["stalled"].sum())

    def delays(
        self, column: str | None = None, *, stalls: bool = False, warm_up: bool = False
    ) -> Floats:
        """A column in ms as durations in seconds, without what was lost; with or without stalls and
        the experiment's ends."""
        samples = self.samples
        wanted = samples[column or self.figure].notna()
        if not stalls:
            wanted &= ~samples["stalled"]
        if not warm_up:
            wanted &= ~samples["warm_up"]
            if "cool_down" in samples:
                wanted &= ~samples["cool_down"]
        return samples.loc[wanted, column or self.figure].to_numpy(dtype=np.float64) / 1e3

    @property
    def columns(self) -> tuple[str, ...]:
        """What there are statistics of."""
        return (self.figure,)

    @property
    def statistics(self) -> pd.DataFrame:
        """Percentiles with 95 % intervals, jitter, mean and extremes in ms, with and without what a
        stall held up.

        The warm-up is left out. Open ends of intervals are infinite: too few samples to tell. Where
        the server's clock is another one, `clock_error_ms` says by how much each figure may be
        wrong for not knowing it better: only one-way times may.
        """
        samples = (("without stalls", False), ("all", True))
        figures = table(
            {
                (column, name): self.delays(column, stalls=stalls) * 1e3
                for column in self.columns
                for name, stalls in samples
            }
        ).rename_axis(["figure", "samples"])
        return self._bounded(figures, [str(column) for column, _ in figures.index])

    @property
    def clock_error(self) -> float:
        """By how many seconds one-way times may be wrong at most, all of them in the same
        direction; 0 if both ends read one clock. What there is too much on one way is missing on
        the other. NaN: there are no one-way times.
        """
        if self.clock is None:
            return float("nan")
        return float(self.samples["one_way_error_ms"].max()) / 1e3

    def _bounded(self, figures: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
        """With the error of the clocks beside, where it is not 0 in any case."""
        error = self.clock_error * 1e3
        if not error > 0 or not set(ONE_WAY).intersection(columns):
            return figures
        return figures.assign(
            clock_error_ms=[error if column in ONE_WAY else 0.0 for column in columns]
        )

    def __repr__(self) -> str:
        return f"<{self.headline()}>"

    def headline(self) -> str:
        """In one line."""
        delays = self.delays() * 1e3
        words = [
            f"median {percentile(delays, 50)} ms",
            f"p99 {percentile(delays, 99)} ms",
            f"n={len(delays)}, {CONFIDENCE:.0%} intervals",
        ]
        if self.lost:
            words.append(f"{self.lost} lost")
        if self.stalled:
            longest = self.stalls["blocked_ms"].max() / 1e3
            words.append(f"{self.stalled} in stalls left out (the longest {longest:.2f} s)")
        if self.gaps.number:
            words.append(str(self.gaps))
        return f"{self.name}: {', '.join(words)}"

    def _shown(self) -> pd.DataFrame:
        """The statistics as people read them: each percentile with its interval in one cell."""
        import pandas as pd

        rows = self.statistics
        if not self.stalled:
            rows = rows[rows.index.get_level_values("samples") == "without stalls"].droplevel(
                "samples"
            )
        shown = pd.DataFrame({"n": rows["n"]})
        for name in [str(column) for column in rows if f"{column}_low" in rows]:
            interval = rows[[name, f"{name}_low", f"{name}_high"]]
            shown[name.replace("_", ".")] = [
                str(Estimate(*values)) for values in interval.itertuples(index=False)
            ]
        shown["max"] = rows["max"].map("{:.4g}".format)
        if "clock_error_ms" in rows:
            shown["clocks"] = [
                f"± {error:.3g}" if error else "" for error in rows["clock_error_ms"]
            ]
        return shown

    def _pauses(self) -> str:
        """The gaps between answers, also if there are none."""
        longest = self.gaps.longest
        if not longest > 0:
            return "too few answers to tell of gaps between them"
        if self.gaps.number:
            return str(self.gaps)
        return f"no gaps: the longest pause between answers took {longest * 1e3:.3g} ms"

    def _repr_html_(self) -> str:
        settings = ", ".join(f"{key}={value}" for key, value in self.settings.items())
        notes = "".join(f"<li>{escape(note)}</li>" for note in self.notes)
        shown = self._shown()
        legend = "ms, each with its 95 % interval (?: too few values to tell); warm-up left out"
        if "clocks" in shown:
            legend += (
                "; clocks: by so much the whole row may be too high or too low, "
                "since the other clock is not known better"
            )
        return (
            f"<div><p><b>{escape(self.headline())}</b></p>{shown.to_html()}<p>{legend}</p><p>{self._pauses()}</p>"
            f"{'<ul>' + notes + '</ul>' if notes else ''}"
            f"<p><small>{escape(settings)}</small></p></div>"
        )
