"""What the figures of the kernel and the simulator stand on works as they claim; nothing here is
timed."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks import click_to_robot, kernel, sim_step, stop_latency, sync_call
from benchmarks.click_to_robot import delays
from benchmarks.in_kernel import Stops, round_trips
from benchmarks.notebook import kernel as real_kernel


@pytest.mark.timeout(120)
async def test_a_real_kernel_runs_cells_answers_widgets_and_ends() -> None:
    async with real_kernel() as notebook:
        assert (
            await notebook.run("import asyncio; print('a'); await asyncio.sleep(0); print('b')")
            == "a\nb\n"
        )
        assert await notebook.value("[1, None, 'x']") == [1, None, "x"]
        with pytest.raises(RuntimeError, match="ZeroDivisionError: division by zero"):
            await notebook.run("1 / 0")
        cell = notebook.start(
            "import ipywidgets; button = ipywidgets.Button()\nbutton.on_click(lambda _: "
            "button.send({'kind': 'heard'}))"
        )
        await notebook.finish(cell)
        (button,) = [
            id for id, state in notebook.models.items() if state.get("_model_name") == "ButtonModel"
        ]
        notebook.custom(button, {"event": "click"})
        await notebook.until(lambda: kernel.kinds(notebook.widget_messages, "heard") == 1)
        assert kernel.kinds(notebook.widget_messages, "all") == 0


async def test_round_trips_without_those_of_the_warm_up() -> None:
    times = await round_trips(5, 3)
    assert len(times) == 5
    assert min(times) > 0


def test_plain_and_awaited_calls_are_both_timed() -> None:
    plain, awaited = sync_call.round_trips(4, 2)
    assert (len(plain), len(awaited)) == (4, 4)
    assert min(plain + awaited) > 0


@pytest.mark.may_block("a cell that sleeps is what is measured")
@pytest.mark.parametrize("way", ["by_cell", "by_blocking_cell", "by_thread"])
async def test_every_stop_is_noted_and_has_braked(way: str) -> None:
    stops = Stops()
    await stops.open()
    try:
        await getattr(stops, way)(2)
        assert len(stops.rows) == 2
        assert stop_latency.split(stops.rows)["p50"] > 0
        await stops.up_to_speed()
        await stops.bot.drive(0, 0, duration=0)
        with pytest.raises(RuntimeError, match="no stop was called"):
            await stops.note()
    finally:
        await stops.bot.close()
        await stops.server.close()


def test_a_robot_that_was_too_slow_is_no_sample() -> None:
    assert stop_latency.split([(1.0, 1.1), (2.0, 2.3), (3.0, 3.2)])["p50"] == pytest.approx(200)
    with pytest.raises(RuntimeError, match=r"stood 10\.0 ms after its stop"):
        stop_latency.split([(1.0, 1.1), (2.0, 2.01)])


@pytest.mark.parametrize("count", [1, 3])
def test_the_simulated_robots_are_driven(count: int) -> None:
    assert sim_step.speed(count, 2) > 0


def test_a_click_is_held_against_the_first_that_the_robot_was_told_after_it() -> None:
    told = [("drive", 0.9), ("halt", 1.001), ("drive", 1.010), ("drive", 1.1), ("drive", 2.030)]
    assert delays([1.0, 2.0], told, "drive") == pytest.approx([10, 30])
    clicks = [float(number) for number in range(20)]
    told = [("drive", click + 0.01) for click in clicks[1:]]
    assert delays(clicks, told, "drive") == pytest.approx([1000] + [10] * 19), (
        "one that came to nothing counts as late"
    )
    with pytest.raises(RuntimeError, match="20 of 20 clicks"):
        delays(clicks, told, "halt")


class MovingPage:
    """A page on which what is clicked moves down by its own height before every click."""

    def __init__(self, *, fast: bool = False) -> None:
        self.top = 0.0
        self.at = 0.0
        self.hits: list[tuple[float, list[str]]] = []
        self.fast = fast
        self.mouse = self

    def locator(self, target: str) -> MovingPage:
        return self

    def bounding_box(self) -> dict[str, float]:
        return {"x": 0.0, "y": self.top, "width": 100.0, "height": 100.0}

    def move(self, x: float, y: float) -> None:
        self.at = y
        self.top += 100.0 * self.fast

    def down(self) -> None:
        self._hit()

    def up(self) -> None:
        self._hit()
        self.top += 100.0

    def _hit(self) -> None:
        on_it = self.top <= self.at < self.top + 100.0
        self.hits.append((1.0, [".mbot-pad"] if on_it else []))

    def wait_for_timeout(self, timeout: float) -> None: ...

    def execute(self, code: str) -> None: ...

    def value(self, expression: str) -> list[Any]:
        return []

    def evaluate(self, code: str) -> list[tuple[float, list[str]]]:
        return self.hits


def test_every_click_is_aimed_anew_and_one_that_goes_astray_is_said() -> None:
    page: Any = MovingPage()
    clicks, told = click_to_robot._click(page, page, ".mbot-pad")
    assert (len(clicks), told) == (40, [])
    page = MovingPage(fast=True)
    with pytest.raises(RuntimeError, match=r"45 of 45 clicks have not hit \.mbot-pad"):
        click_to_robot._click(page, page, ".mbot-pad")
