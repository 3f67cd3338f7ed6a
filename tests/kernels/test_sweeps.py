"""A sweep in a cell: its Cancel button, and the notebook's own stop button."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Kernel

WIDGET = "application/vnd.jupyter.widget-view+json"
HEARS_CLICKS_WHILE_IT_AWAITS = {"6.31.0": False, "7.3.0": True, "7.4.0": True}


@pytest.fixture
def measured(kernel: Kernel) -> Kernel:
    """A kernel with something to be swept, the third time slowly."""
    kernel.run("""
        calls = []

        async def measure(a, seed):
            calls.append(a)
            print(f"measuring {len(calls)}", flush=True)
            await asyncio.sleep(1.0 if len(calls) == 3 else 0.01)
            return {"figure": a}
    """)
    return kernel


def test_cancel_returns_what_is_finished(measured: Kernel) -> None:
    running = measured.start("table = await mb.lab.sweep({'a': [1, 2, 3, 4]}, measure=measure)")
    measured.until(running, "measuring 3")
    (button,) = (shown[WIDGET]["model_id"] for shown in measured._cells[running].displays if WIDGET in shown)
    measured.click(button)
    measured.finish(running)
    missing = 2 if HEARS_CLICKS_WHILE_IT_AWAITS[measured.version] else 0
    assert measured.value("len(table), table.attrs['missing']") == (4 - missing, missing)
    # Either way the next cell runs as ever, and the next sweep begins anew.
    assert measured.value("len(await mb.lab.sweep({'a': [1, 2]}, measure=measure))") == 2


def test_the_stop_button_stops_and_the_file_goes_on(measured: Kernel, tmp_path: Path) -> None:
    sweep = f"table = await mb.lab.sweep({{'a': [1, 2, 3, 4]}}, measure=measure, path={str(tmp_path / 'sweep.jsonl')!r})"
    running = measured.start(sweep)
    measured.until(running, "measuring 3")
    measured.interrupt()
    stopped = measured.finish(running, fails=True)
    assert stopped.error in ("KeyboardInterrupt", "CancelledError")
    assert measured.value("len(calls)") == 3
    measured.run(sweep)
    assert measured.value("len(table), table.attrs['missing'], len(calls)") == (4, 0, 5)
