"""A sweep in a cell: its Cancel button, and the notebook's own stop button."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.helpers.kernels import Kernel

pytestmark = pytest.mark.every_kernel

WIDGET = "application/vnd.jupyter.widget-view+json"
HEARS_CLICKS_WHILE_IT_AWAITS = {"6.31.0": False, "7.3.0": True, "7.4.0": True}


def buttons_of(kernel: Kernel, running: str) -> list[str]:
    """What a cell offers to click on."""
    return [
        shown[WIDGET]["model_id"] for shown in kernel._cells[running].displays if WIDGET in shown
    ]


def is_told_of_the_stop_button(kernel: Kernel, running: str) -> bool:
    return any(
        "notebook's stop button" in shown.get("text/html", "")
        for shown in kernel._cells[running].displays
    )


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
    buttons = buttons_of(measured, running)
    assert len(buttons) == HEARS_CLICKS_WHILE_IT_AWAITS[measured.version], "none that is not heard"
    assert is_told_of_the_stop_button(measured, running) == (not buttons)
    for button in buttons:
        measured.click(button)
    measured.finish(running)
    missing = 2 * len(buttons)
    assert measured.value("len(table), table.attrs['missing']") == (4 - missing, missing)
    # Either way the next cell runs as ever, and the next sweep begins anew.
    assert measured.value("len(await mb.lab.sweep({'a': [1, 2]}, measure=measure))") == 2


def test_plain_work_offers_what_ends_it(kernel: Kernel) -> None:
    """Cancel where a click is heard while plain code runs; elsewhere the words say which button
    does it."""
    running = kernel.start("""
        from mbot_nb.jupyter import progress_bar as bar
        bar.BAR_AFTER, bar.CLOCK_EVERY = -1.0, 1
        for number in bar.track(range(100), 100, "counting"):
            print(number, flush=True)
            time.sleep(0.05)
    """)
    kernel.until(running, "3")
    buttons = buttons_of(kernel, running)
    assert len(buttons) == (kernel.version == "7.3.0")
    assert is_told_of_the_stop_button(kernel, running) == (not buttons)
    for button in buttons:
        kernel.click(button)
    if not buttons:
        kernel.interrupt()
    assert kernel.finish(running, fails=True).error == (
        "UsageError" if buttons else "KeyboardInterrupt"
    )


def test_the_stop_button_stops_and_the_file_goes_on(measured: Kernel, tmp_path: Path) -> None:
    sweep = (
        f"table = await mb.lab.sweep({{'a': [1, 2, 3, 4]}}, measure=measure, "
        f"path={str(tmp_path / 'sweep.jsonl')!r})"
    )
    running = measured.start(sweep)
    measured.until(running, "measuring 3")
    measured.interrupt()
    stopped = measured.finish(running, fails=True)
    assert stopped.error in ("KeyboardInterrupt", "CancelledError")
    assert measured.value("len(calls)") == 3
    measured.run(sweep)
    assert measured.value("len(table), table.attrs['missing'], len(calls)") == (4, 0, 5)
