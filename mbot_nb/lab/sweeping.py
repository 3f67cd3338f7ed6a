"""Many experiments: every combination of some parameters, several times, here or on other
machines."""

from __future__ import annotations

import asyncio
import inspect
import itertools
import json
import os
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import msgspec

from ..commands import plain
from ..errors import UsageError
from ..jupyter.progress_bar import progress_bar
from ..loops.call import Call, await_if_needed
from ..loops.home import Home
from ..version import __version__
from .experiment import measure_load

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["sweep"]

Measure = Callable[..., Any]
Point = dict[str, Any]

LOG_FORMAT = "mbot_nb sweep 1"


def sweep(
    parameters: Mapping[str, Any],
    *,
    repeat: int = 1,
    seed: int = 0,
    path: str | Path | None = None,
    measure: Measure = measure_load,
    workers: Any = None,
    progress: bool = True,
) -> Call[pd.DataFrame]:
    """Measure every combination of ``parameters``, ``repeat`` times; await it. One row for each:
    parameters and figures.

    Each repetition goes through all combinations once, in an order of its own that the seed draws,
    so that a machine that grows slower does not look like an effect of a parameter. Within one
    repetition all combinations get the same seed, so that they meet the same network.

    Args:
        parameters: for each name a list of values, or one value. For ``measure_load`` the names are
            `rate`, `duration`, `network`, `batch_window`, `max_batch_size`, `policy`, `work`.
        seed: of the order and of the networks.
        path: a file that notes each point when it is finished. Called again with the same file,
            seed and ``measure``, a sweep goes on where it was interrupted; parameters may have been
            added.
        measure: a function, plain or async, that takes the parameters and ``seed`` by name and
            returns a dict of figures. A plain one runs in a thread of its own.
        workers: a Dask client, or an executor of `concurrent.futures`, to measure there instead of
            here. Dask's workers need one thread each, so that two experiments never share a
            process.
        progress: show a bar; in a notebook with a Cancel button, which ends the sweep and returns
            what is finished (`attrs` of the table tell how many points are `missing`). An interrupt
            (the stop button, Ctrl-C) raises as ever.

    The table's `attrs` hold the `grid`, the `parameters` that were the same in all of it, `repeat`,
    `seed` and `measure`.

    Raises:
        UsageError: a parameter that ``measure`` does not take, or a ``path`` that belongs to
            another sweep.

    Example::

        table = await lab.sweep(
            {"batch_window": [0, 0.05, 0.1], "rate": [15, 150], "network": ["lan", "wifi"]},
            repeat=3,
            path="sweep.jsonl",
        )
    """
    where = None if path is None else Path(path)
    return Call(
        Home.here,
        lambda: _sweep(parameters, repeat, seed, where, measure, workers, progress),
        "lab.sweep()",
    )


async def _sweep(
    parameters: Mapping[str, Any],
    repeat: int,
    seed: int,
    path: Path | None,
    measure: Measure,
    workers: Any,
    progress: bool,
) -> pd.DataFrame:
    grid = {name: _values(values) for name, values in parameters.items()}
    _check(measure, grid, repeat)
    points: list[Point] = [
        dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())
    ]
    log = await asyncio.to_thread(_SweepLog, path, seed=seed, measure=_name(measure))
    todo = [
        (point, turn)
        for turn in range(repeat)
        for point in _shuffled(points, seed, turn)
        if _key(point, turn) not in log.rows
    ]
    perform = _run_here if workers is None else _pool(workers)
    total = len(points) * repeat
    advice = "do the same again, and it goes on"
    if path is None:
        advice = "with path=... it could go on another time"

    async def work() -> None:
        async for point, turn, figures in perform(measure, todo, seed):
            await asyncio.to_thread(log.add, point, turn, figures)
            shown.advance()

    done = total - len(todo)
    with progress_bar(total, done, what="sweep", shown=progress, advice=advice) as shown:
        loop = asyncio.get_running_loop()
        working = asyncio.ensure_future(work())
        shown.when_cancelled(lambda: loop.call_soon_threadsafe(working.cancel))
        try:
            await working
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if not shown.cancelled or (task is not None and task.cancelling()):
                raise  # interrupted from outside; what is finished is on disk
    return _table(measure, grid, points, repeat, seed, log)


async def _run_here(measure: Measure, todo: list[tuple[Point, int]], seed: int) -> Any:
    """One after the other, in this process."""
    for point, turn in todo:
        began = time.monotonic()
        if inspect.iscoroutinefunction(measure):
            figures = await measure(**point, seed=seed + turn)
        else:
            figures = await asyncio.to_thread(measure, **point, seed=seed + turn)
        yield point, turn, {**figures, "seconds": time.monotonic() - began}


def _pool(workers: Any) -> Callable[..., Any]:
    """As many at a time as there are workers, in other processes."""
    options: dict[str, Any] = {}
    threads = getattr(workers, "nthreads", None)
    if threads is not None:
        options["pure"] = False  # the same again is a new measurement
        crowded = {address: count for address, count in _now(threads()).items() if count != 1}
        if crowded:
            raise UsageError(
                f"these Dask workers have more than one thread: {crowded}. Two experiments in one "
                "process disturb each other: start them with `dask worker --nthreads 1`, or "
                "LocalCluster(threads_per_worker=1)."
            )

    async def perform(measure: Measure, todo: list[tuple[Point, int]], seed: int) -> Any:
        loop = asyncio.get_running_loop()
        arrived: asyncio.Queue[Any] = asyncio.Queue()

        def done(future: Any) -> None:
            try:
                loop.call_soon_threadsafe(arrived.put_nowait, future)
            except RuntimeError:
                return  # the loop is closed: the sweep was given up

        futures = {}
        try:
            for point, turn in todo:
                future = workers.submit(perform_one, measure, point, seed + turn, **options)
                futures[future] = point, turn
                future.add_done_callback(done)
            for _ in todo:
                future = await arrived.get()
                point, turn = futures.pop(future)
                yield point, turn, await asyncio.to_thread(future.result)
        finally:
            for future in futures:
                future.cancel()

    return perform


def perform_one(measure: Measure, point: Point, seed: int) -> dict[str, Any]:
    """Measure one point, in a worker."""
    began = time.monotonic()
    figures = measure(**point, seed=seed)
    if isinstance(figures, Awaitable):
        figures = asyncio.run(await_if_needed(figures))
    return {**figures, "seconds": time.monotonic() - began}


def _now(value: Any) -> Any:
    """A Dask client that is asynchronous answers later; then its workers are not checked."""
    if inspect.iscoroutine(value):
        value.close()
        return {}
    return value


def _name(measure: Measure) -> str:
    """The function by name, so that a file of finished points knows what measured them."""
    named = measure if hasattr(measure, "__qualname__") else type(measure)
    return f"{named.__module__}.{named.__qualname__}"


def _shuffled(points: list[Point], seed: int, turn: int) -> list[Point]:
    order = list(points)
    Random(f"{seed}/{turn}").shuffle(order)
    return order


def _values(values: Any) -> list[Any]:
    """What a parameter is to be, one after the other; NumPy's numbers as Python's, for the table
    and the file."""
    if isinstance(values, (str, msgspec.Struct)) or not isinstance(values, Iterable):
        values = [values]
    return [plain(value) if hasattr(value, "tolist") else value for value in values]


def _check(measure: Measure, grid: Mapping[str, list[Any]], repeat: int) -> None:
    takes = inspect.signature(measure).parameters
    anything = any(parameter.kind is parameter.VAR_KEYWORD for parameter in takes.values())
    unknown = [name for name in grid if name not in takes and not anything]
    if unknown or "seed" in grid:
        names = ", ".join(name for name in takes if name != "seed")
        wrong = (
            f"there is no parameter {unknown[0]!r}" if unknown else "the seed is given by seed=..."
        )
        raise UsageError(f"{wrong}; {_name(measure)} takes {names}")
    reasons = [f"{name} has no values" for name, values in grid.items() if not values]
    reasons += [f"repeat is {repeat}"] if repeat < 1 else []
    if reasons:
        raise UsageError(f"nothing to measure: {reasons[0]}")


def _table(
    measure: Measure,
    grid: Mapping[str, list[Any]],
    points: list[Point],
    repeat: int,
    seed: int,
    log: _SweepLog,
) -> pd.DataFrame:
    """What is finished, as one table that also knows (`attrs`) what was the same in all of it."""
    import pandas as pd

    rows = [
        {
            **{name: _shown(value) for name, value in point.items()},
            "repeat": turn,
            "seed": seed + turn,
            **log.rows[_key(point, turn)],
        }
        for point in points
        for turn in range(repeat)
        if _key(point, turn) in log.rows
    ]
    table = pd.DataFrame(rows)
    fixed = {
        name: _shown(parameter.default)
        for name, parameter in inspect.signature(measure).parameters.items()
        if name != "seed" and name not in grid and parameter.default is not parameter.empty
    }
    table.attrs = {
        "measure": _name(measure),
        "grid": {name: [_shown(value) for value in values] for name, values in grid.items()},
        "parameters": fixed,
        "repeat": repeat,
        "seed": seed,
        "missing": len(points) * repeat - len(rows),
    }
    return table


def _shown(value: Any) -> Any:
    """A parameter as a table shows it."""
    return value if isinstance(value, (str, int, float)) else repr(value)


def _key(point: Mapping[str, Any], repeat: int) -> str:
    """One text for each experiment of a sweep."""
    return json.dumps([_plain(point), repeat], sort_keys=True)


def _plain(point: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters as JSON knows them: a network by its numbers, NumPy's numbers as Python's."""
    return {
        name: {"Network": msgspec.to_builtins(value)}
        if isinstance(value, msgspec.Struct)
        else plain(value)
        for name, value in point.items()
    }


class _SweepLog:
    """The finished points of a sweep, in memory and, with a ``path``, in a file of JSON lines that
    survives an interruption at any moment.

    Raises:
        UsageError: the file belongs to another sweep, is damaged, or cannot be written.
    """

    def __init__(self, path: Path | None, *, seed: int, measure: str) -> None:
        self.rows: dict[str, dict[str, Any]] = {}
        self._path = path
        own = {"seed": seed, "measure": measure, "version": __version__}
        self._head = {"format": LOG_FORMAT, **own}
        if path is not None:
            try:
                self._read(path)
            except OSError as error:
                raise UsageError(
                    f"{path} cannot be used to note what is finished ({error}): name another file "
                    "with path=..."
                ) from None

    def add(self, point: Mapping[str, Any], repeat: int, figures: Mapping[str, Any]) -> None:
        """Note one finished point; on disk when it returns."""
        found = self.rows[_key(point, repeat)] = plain(figures)
        if self._path is not None:
            line = {"point": _plain(point), "repeat": repeat, "figures": found}
            self._append(self._path, line)

    def _read(self, path: Path) -> None:
        if not path.exists() or not path.stat().st_size:
            self._append(path, self._head)
            return
        data = path.read_bytes()
        whole = data[: data.rfind(b"\n") + 1]
        if len(whole) < len(data):
            # Interrupted while it wrote: that point is measured again.
            with path.open("r+b") as file:
                file.truncate(len(whole))
        try:
            head, *rows = [json.loads(line) for line in whole.splitlines()] or [self._head]
            self.rows = {_key(row["point"], row["repeat"]): row["figures"] for row in rows}
            self._check(path, head)
        except (ValueError, KeyError, TypeError) as error:
            raise UsageError(
                f"{path} is no file of a sweep, or is damaged ({error}): name another one with "
                "path=..."
            ) from None
        if not whole:
            self._append(path, self._head)

    def _check(self, path: Path, head: Mapping[str, Any]) -> None:
        if head["format"] != LOG_FORMAT:
            raise ValueError(f"it says it is {head['format']!r}")
        for name in ("seed", "measure", "version"):
            if head[name] != self._head[name]:
                raise UsageError(
                    f"{path} holds points of another sweep, with {name} {head[name]!r} instead of "
                    f"{self._head[name]!r}: go on with that one, or name another file with path=..."
                )

    @staticmethod
    def _append(path: Path, line: Mapping[str, Any]) -> None:
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
            file.flush()
            os.fsync(file.fileno())
