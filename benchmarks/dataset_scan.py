"""``dataset_scan_*``: one question to 200 recordings, beside reading them with pandas. Each side is
a process of its own.

``python -m benchmarks.dataset_scan SIDE FOLDER`` is such a process: it prints how long it took, its
peak memory, and its answer.
"""

from __future__ import annotations

import asyncio
import atexit
import json
import os
import resource
import sys
import tempfile
from asyncio.subprocess import PIPE
from collections.abc import Callable
from functools import partial
from pathlib import Path
from time import perf_counter

from .figures import Comparison, Goal
from .harness import Contender

__all__ = ["Scans", "comparisons", "make_recordings"]

_RECORDINGS = 200
_ROWS = 100_000
_ROBOTS = 10
_ROOT = Path(__file__).resolve().parent.parent
_EVENTS = "table=events/part-0.parquet"
_TRIPS = "table=latency/part-0.parquet"
_QUERY = "SELECT robot, quantile_cont(rtt_ms, 0.99) FROM latency GROUP BY robot"

Answer = dict[str, float]


def comparisons(recordings: int = _RECORDINGS, rows: int = _ROWS) -> list[Comparison]:
    """What this module measures."""
    scans = Scans(recordings, rows)
    ours = "ours: one query"
    whole = "pandas: read all, concatenate"
    each = "pandas: one by one"
    how = (
        f"exact p99 of the round trips of each of {_ROBOTS} robots in {recordings} recordings of "
        f"{rows:,} events and as many "
        f"round trips (Parquet, {recordings * rows:,} rows in the table that is asked): "
        "`mb.lab.dataset(folder).sql(...)`, "
        "the opening included, against"
    )
    concatenated = (
        f"{how} `pd.read_parquet` of every recording's round trips, `pd.concat`, "
        "`groupby(...).quantile(0.99)`"
    )
    return [
        Comparison(
            name="dataset_scan",
            ours=scans.contender(ours, "ours", "seconds"),
            theirs=scans.contender(whole, "whole", "seconds"),
            unit="s",
            goal=Goal(ratio_at_most=0.1),
            how=f"{concatenated}; imports not counted, files in the page cache, the answers are "
            "compared",
        ),
        Comparison(
            name="dataset_scan_memory",
            ours=scans.contender(f"{ours}, memory", "ours", "megabytes"),
            theirs=scans.contender(f"{whole}, memory", "whole", "megabytes"),
            unit="MB",
            goal=Goal(ratio_at_most=0.25),
            how=f"{concatenated}; peak resident memory of the whole process, the interpreter and "
            "its modules included",
        ),
        Comparison(
            name="dataset_scan_each",
            ours=scans.contender(ours, "ours", "seconds"),
            theirs=scans.contender(each, "each", "seconds"),
            unit="s",
            goal=Goal(ratio_at_most=0.333),
            how=f"{how} reading one recording's round trips after the other, keeping `rtt_ms`, "
            "`np.quantile` at the end",
        ),
    ]


class Scans:
    """Runs each side in a fresh process, once a round for all that is measured of it, and holds the
    answers against each other.

    The recordings are made when they are first needed, and go with this process.
    """

    def __init__(self, recordings: int, rows: int) -> None:
        self.size = recordings, rows
        self._folder: Path | None = None
        self._runs: dict[str, list[dict[str, float]]] = {}
        self._read: dict[tuple[str, str], int] = {}
        self._answer: Answer | None = None

    def contender(self, name: str, side: str, measure: str) -> Contender:
        """What takes its turn: one side, and `seconds` or `megabytes` of it."""
        return Contender(name, partial(self.sample, side, measure))

    async def sample(self, side: str, measure: str) -> float:
        """The next value of this measure; the other measure of the same round comes from the same
        run."""
        runs = self._runs.setdefault(side, [])
        at = self._read.get((side, measure), 0)
        if at == len(runs):
            runs.append(await self._run(side))
        self._read[side, measure] = at + 1
        return runs[at][measure]

    async def _run(self, side: str) -> dict[str, float]:
        if self._folder is None:
            scratch = tempfile.TemporaryDirectory(prefix="mbot_nb-bench-")
            atexit.register(scratch.cleanup)
            self._folder = Path(scratch.name)
            await asyncio.to_thread(make_recordings, self._folder, *self.size)
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            __name__,
            side,
            str(self._folder),
            stdout=PIPE,
            stderr=PIPE,
            cwd=_ROOT,
        )
        output, errors = await process.communicate()
        if process.returncode != 0:
            raise RuntimeError(f"{side} failed to read the recordings:\n{errors.decode()}")
        values = json.loads(output)
        answer: Answer = values.pop("answer")
        if self._answer is None:
            self._answer = answer
        if {robot: round(value, 9) for robot, value in answer.items()} != {
            robot: round(value, 9) for robot, value in self._answer.items()
        }:
            raise RuntimeError(
                f"{side} answers {answer}, and another one {self._answer}: one of them is not exact"
            )
        return {measure: float(value) for measure, value in values.items()}


def make_recordings(folder: Path, recordings: int, rows: int) -> None:
    """Save recordings of ten robots. All share the events of the first one, which no
    query reads."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    from mbot_nb.recording.recording import Recording
    from mbot_nb.recording.tables.arrow import conformed

    generator = np.random.default_rng(1)
    for number in range(recordings):
        place = folder / f"run{number:03}"
        times = 1000.0 * number + np.cumsum(generator.exponential(0.01, rows))
        trips = {
            "sent_s": times,
            "received_s": times + 0.001,
            "id": np.arange(rows),
            "rtt_ms": generator.lognormal(0.0, 0.5, rows),
            "loop_lag_ms": np.zeros(rows),
        }
        tables = {"latency": conformed("latency", pa.table(trips))}
        if not number:
            kinds = pa.array(["telemetry", "stimulus_detected"])
            distance = pa.array(generator.uniform(3, 400, rows).round(1)).cast(pa.string())
            events = {
                "time_s": times,
                "name": kinds.take(pa.array((generator.random(rows) < 0.1).astype("i4"))),
                "sequence": np.arange(rows),
                "data": pc.binary_join_element_wise('{"distance":', distance, "}", ""),
            }
            tables["events"] = conformed("events", pa.table(events))
        robot = {"robotId": f"robot-{number % _ROBOTS}"}
        Recording(tables, {"robot": robot, "clocks": {"wall_offset_s": 1.75e9}}).save(
            place, folder="parquet"
        )
        if number:
            (place / _EVENTS).unlink(missing_ok=True)
            os.link(folder / "run000" / _EVENTS, place / _EVENTS)


# The sides. Each is given the folder when its modules are loaded, and returns its answer.


def _ours() -> Callable[[Path], Answer]:
    from mbot_nb.datasets.dataset import dataset

    def scan(folder: Path) -> Answer:
        with dataset(folder) as runs:
            return dict(runs.sql(_QUERY).fetchall())

    import duckdb  # noqa: F401 - is loaded before the clock runs, as pandas is
    import pandas  # noqa: F401
    import pyarrow.parquet  # noqa: F401

    return scan


def _whole() -> Callable[[Path], Answer]:
    import pandas as pd

    def scan(folder: Path) -> Answer:
        tables = [
            pd.read_parquet(path, partitioning=None).assign(robot=_robot(path))
            for path in sorted(folder.glob(f"*/{_TRIPS}"))
        ]
        everything = pd.concat(tables, ignore_index=True)
        return {
            str(robot): float(value)
            for robot, value in everything.groupby("robot")["rtt_ms"].quantile(0.99).items()
        }

    return scan


def _each() -> Callable[[Path], Answer]:
    import numpy as np
    import pandas as pd

    def scan(folder: Path) -> Answer:
        kept: dict[str, list[np.ndarray[tuple[int], np.dtype[np.float64]]]] = {}
        for path in sorted(folder.glob(f"*/{_TRIPS}")):
            kept.setdefault(_robot(path), []).append(
                pd.read_parquet(path, partitioning=None)["rtt_ms"].to_numpy(dtype=np.float64)
            )
        return {
            robot: float(np.quantile(np.concatenate(values), 0.99))
            for robot, values in kept.items()
        }

    return scan


def _robot(path: Path) -> str:
    """Whose recording it is: they take turns."""
    return f"robot-{int(path.parent.parent.name.removeprefix('run')) % _ROBOTS}"


def _peak() -> float:
    """The most memory that this process has had, in MB. What its parent had before is not in it."""
    try:
        status = Path("/proc/self/status").read_text(encoding="utf-8")
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak / (2**20 if sys.platform == "darwin" else 2**10)
    return int(status.partition("VmHWM:")[2].split()[0]) / 2**10


def _main() -> None:
    side, folder = sys.argv[1:]
    scan = {"ours": _ours, "whole": _whole, "each": _each}[side]()
    began = perf_counter()
    answer = scan(Path(folder))
    print(json.dumps({"seconds": perf_counter() - began, "megabytes": _peak(), "answer": answer}))


if __name__ == "__main__":
    _main()
