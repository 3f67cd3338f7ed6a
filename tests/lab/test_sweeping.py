"""A sweep measures every combination once, goes on after an interruption, and gives one tidy
table."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mbot_nb as mb
from mbot_nb.jupyter.progress_bar import ProgressBar, progress_bar
from mbot_nb.lab import sweep
from mbot_nb.lab.sweeping import _shuffled, perform_one

ROOT = Path(__file__).parents[2]

GRID: dict[str, Any] = {"a": [1, 2, 3], "b": ["x", "y"]}


def _plain(a: int, seed: int) -> dict[str, float]:
    return {"sum": a + seed}


async def _awaited(a: int, seed: int) -> dict[str, float]:
    await asyncio.sleep(0)
    return {"sum": a + seed}


class Counting:
    """Measures nothing, and notes that it was asked to; after ``limit`` calls it stops its sweep,
    as the stop button does."""

    def __init__(self, limit: int = 1000) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.limit = limit
        self.sweep: asyncio.Future[Any] | None = None

    def __call__(self, a: int, b: str, seed: int) -> dict[str, float]:
        if len(self.calls) == self.limit and self.sweep is not None:
            self.sweep.get_loop().call_soon_threadsafe(self.sweep.cancel)
            return {"figure": -1}
        self.calls.append((a, b, seed))
        return {"figure": a * 10 + seed, "tail": float("inf")}


async def interrupted(measure: Counting, path: Path) -> None:
    measure.sweep = asyncio.ensure_future(sweep(GRID, measure=measure, path=path, progress=False))
    with pytest.raises(asyncio.CancelledError):
        await measure.sweep


async def test_every_combination_is_measured_as_often_as_asked() -> None:
    measure = Counting()
    table = await sweep(GRID, measure=measure, repeat=2, seed=5, progress=False)
    assert len(measure.calls) == len(set(measure.calls)) == 12
    assert list(table.columns) == ["a", "b", "repeat", "seed", "figure", "tail", "seconds"]
    assert (table["figure"] == table["a"] * 10 + table["seed"]).all()
    assert table["seed"].tolist() == [5, 6] * 6
    # In another order each time, but the same one from the same seed.
    first, second = (
        [call[:2] for call in measure.calls[:6]],
        [call[:2] for call in measure.calls[6:]],
    )
    assert sorted(first) == sorted(second)
    assert first != second
    again = Counting()
    await sweep(GRID, measure=again, repeat=2, seed=5, progress=False)
    assert again.calls == measure.calls


async def test_it_goes_on_where_it_was_interrupted(tmp_path: Path) -> None:
    path = tmp_path / "sweep.jsonl"
    before = Counting(limit=4)
    await interrupted(before, path)
    # Killed while it wrote a line.
    with path.open("a") as file:
        file.write('{"point": {"a": 1, "b"')
    after = Counting()
    table = await sweep(GRID, measure=after, path=path, progress=False)
    assert (len(before.calls), len(after.calls)) == (4, 2)
    assert sorted(before.calls + after.calls) == sorted(
        {(a, b, 0) for a in GRID["a"] for b in GRID["b"]}
    )
    whole = await sweep(GRID, measure=Counting(), progress=False)
    assert table.drop(columns="seconds", errors="ignore").equals(whole.drop(columns="seconds"))
    nothing = Counting()
    await sweep(GRID, measure=nothing, path=path, progress=False)
    assert nothing.calls == []
    # More values and more repetitions are measured in addition.
    more = Counting()
    await sweep({**GRID, "a": [1, 2, 3, 4]}, measure=more, repeat=2, path=path, progress=False)
    assert len(more.calls) == 2 + 8


async def test_a_file_of_another_sweep_is_not_mixed_in(tmp_path: Path) -> None:
    path = tmp_path / "sweep.jsonl"
    await sweep(GRID, measure=Counting(), path=path, progress=False)
    with pytest.raises(mb.UsageError, match="seed 0 instead of 1"):
        await sweep(GRID, measure=Counting(), seed=1, path=path, progress=False)
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0], "{broken", *lines[1:]]) + "\n")
    with pytest.raises(mb.UsageError, match="damaged"):
        await sweep(GRID, measure=Counting(), path=path, progress=False)
    path.write_text(json.dumps({"format": "something else"}) + "\n")
    with pytest.raises(mb.UsageError, match="something else"):
        await sweep(GRID, measure=Counting(), path=path, progress=False)
    with pytest.raises(mb.UsageError, match="cannot be used"):
        await sweep(GRID, measure=Counting(), path=tmp_path, progress=False)


def test_workers_measure_in_other_processes() -> None:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        table = asyncio.run(
            sweep({"rate": [100, 50], "duration": 1.0}, workers=pool, progress=False)
        )
    assert table["rate"].tolist() == [100, 50]
    assert (table["lost"] == 0).all()
    assert (table["n"] > 0).all()


@pytest.mark.parametrize("measure", [_plain, _awaited])
def test_a_worker_takes_plain_and_async_functions(measure: Any) -> None:
    answer = perform_one(measure, {"a": 3}, 4)
    assert answer["sum"] == 7
    assert answer["seconds"] >= 0


def test_dask_workers_with_several_threads_are_refused() -> None:
    class Client:
        def nthreads(self) -> dict[str, int]:
            return {"tcp://a": 1, "tcp://b": 4}

    with pytest.raises(mb.UsageError, match=r"tcp://b.*nthreads 1"):
        asyncio.run(sweep({"a": [1]}, measure=_plain, workers=Client(), progress=False))


async def test_a_failure_is_told_and_what_was_finished_is_kept(tmp_path: Path) -> None:
    grid = {"a": list(range(10))}
    order = [point["a"] for point in _shuffled([{"a": a} for a in grid["a"]], 0, 0)]
    asked: list[int] = []
    fragile = {order[3]}

    def measure(a: int, seed: int) -> dict[str, float]:
        asked.append(a)
        if a in fragile:
            raise ValueError("the robot fell over")
        return {"figure": a}

    path = tmp_path / "sweep.jsonl"
    with pytest.raises(ValueError, match="fell over"):
        await sweep(grid, measure=measure, path=path, progress=False)
    assert asked == order[:4]
    _, *lines = path.read_text().splitlines()
    assert [json.loads(line)["point"] for line in lines] == [{"a": a} for a in order[:3]]
    # Called again, it goes on with what is missing, and nothing is measured twice.
    asked.clear()
    fragile.clear()
    table = await sweep(grid, measure=measure, path=path, progress=False)
    assert asked == order[3:]
    assert table["figure"].tolist() == grid["a"]


async def test_what_cannot_be_swept_is_refused() -> None:
    with pytest.raises(
        mb.UsageError,
        match=r"no parameter 'windows'; .*measure_load takes rate, duration, network, batch_window",
    ):
        await sweep({"windows": [1]}, progress=False)
    with pytest.raises(mb.UsageError, match="seed="):
        await sweep({"seed": [1]}, progress=False)
    with pytest.raises(mb.UsageError, match="rate has no values"):
        await sweep({"rate": []}, progress=False)


async def test_the_bar_counts(capsys: pytest.CaptureFixture[str]) -> None:
    await sweep({"a": [1, 2, 3], "b": "x"}, measure=Counting())
    assert "3/3" in capsys.readouterr().out


async def test_cancel_returns_what_is_finished_and_a_second_call_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the button of the notebook's bar does it."""
    bars: list[ProgressBar] = []

    def make(*args: Any, **options: Any) -> ProgressBar:
        bars.append(progress_bar(*args, **options))
        return bars[-1]

    monkeypatch.setattr("mbot_nb.lab.sweeping.progress_bar", make)
    asked: list[int] = []

    async def measure(a: int, b: str, seed: int) -> dict[str, float]:
        asked.append(a)
        if len(asked) == 3:
            bars[0].cancel()
            await asyncio.sleep(60)
        return {"figure": a}

    path = tmp_path / "sweep.jsonl"
    table = await sweep(GRID, measure=measure, path=path, progress=False)
    assert len(table) == 2
    assert table.attrs["missing"] == 4
    assert bars[0].words(stopped=True) == "stopped: 2/6 finished; do the same again, and it goes on"
    again = await sweep(GRID, measure=measure, path=path, progress=False)
    assert len(asked) == 3 + 4
    assert len(again) == 6
    assert again.attrs["missing"] == 0


async def test_the_table_knows_what_was_the_same_in_all_of_it() -> None:
    table = await sweep(
        {"batch_window": [0.0], "rate": [100], "duration": 0.2}, seed=4, progress=False
    )
    assert table.attrs["grid"] == {"batch_window": [0.0], "rate": [100], "duration": [0.2]}
    assert table.attrs["parameters"] == {
        "network": "perfect",
        "max_batch_size": 10,
        "policy": "window",
        "work": 0.0,
    }
    assert (table.attrs["seed"], table.attrs["repeat"], table.attrs["missing"]) == (4, 1, 0)


SCRIPT = """
import asyncio, sys, time
import mbot_nb as mb

def measure(a, seed):
    print("measuring", a, flush=True)
    time.sleep(0.05 if a < 3 or len(sys.argv) > 3 else 3)
    return {"figure": a}

async def main():
    table = await mb.lab.sweep(
        {"a": [1, 2, 3]}, measure=measure, path=sys.argv[1], seed=int(sys.argv[2])
    )
    print("rows", len(table))

if __name__ == "__main__":
    asyncio.run(main())
"""


def test_ctrl_c_in_plain_python_says_how_to_go_on(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    # The order is drawn: the slow one shall be the last.
    seed = next(
        seed
        for seed in range(100)
        if _shuffled([{"a": 1}, {"a": 2}, {"a": 3}], seed, 0)[-1] == {"a": 3}
    )
    command = [sys.executable, str(script), str(tmp_path / "sweep.jsonl"), str(seed)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    run = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )
    assert run.stdout is not None
    for line in run.stdout:
        if "measuring 3" in line:
            break
    run.send_signal(signal.SIGINT)
    out, err = run.communicate(timeout=20)
    assert run.returncode != 0
    assert "KeyboardInterrupt" in err
    assert "stopped: 2/3 finished; do the same again, and it goes on" in " ".join(out.split())
    again = subprocess.run(
        [*command, "quickly"],
        capture_output=True,
        text=True,
        env=environment,
        timeout=20,
        check=True,
    )
    assert "rows 3" in again.stdout
    assert "measuring 1" not in again.stdout


DASK = """
import asyncio
from distributed import Client, LocalCluster
from mbot_nb import lab

def main():
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as workers,
    ):
        table = asyncio.run(
            lab.sweep({"rate": [100, 50], "duration": 1.0}, workers=workers, progress=False)
        )
    print(table["rate"].tolist(), int(table["lost"].sum()), bool((table["n"] > 0).all()))

if __name__ == "__main__":
    main()
"""


@pytest.mark.timeout(90)
def test_dask_workers_measure(tmp_path: Path) -> None:
    """In a process of its own: Dask leaves threads and sockets to the end of its process."""
    script = tmp_path / "script.py"
    script.write_text(DASK)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    run = subprocess.run(
        [sys.executable, str(script)],
        capture_output=True,
        text=True,
        env=environment,
        timeout=80,
        cwd=tmp_path,
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() == "[100, 50] 0 True"


async def test_numpys_numbers_are_numbers(tmp_path: Path) -> None:
    def measure(a: int, seed: int) -> dict[str, Any]:
        return {"figure": np.float32(a + 0.5)}

    path = tmp_path / "sweep.jsonl"
    table = await sweep({"a": np.arange(10, 30, 10)}, measure=measure, path=path, progress=False)
    assert table["a"].tolist() == [10, 20]
    assert table["figure"].tolist() == [10.5, 20.5]
    again = await sweep({"a": [np.int64(10), 20]}, measure=measure, path=path, progress=False)
    assert again["seconds"].tolist() == table["seconds"].tolist()  # nothing is measured twice


@pytest.mark.filterwarnings("ignore:.*sweep.*:RuntimeWarning")
def test_shown_without_await_it_says_so() -> None:
    assert "nothing has happened yet" in repr(sweep({"a": 1}, measure=_plain))
