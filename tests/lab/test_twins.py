"""One program on two robots: what is different is found, and named."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from math import pi
from pathlib import Path
from typing import Any

import pytest

import mbot_nb as mb
from mbot_nb.lab import Network, Twin, network, twin
from mbot_nb.robots.emulators import emulate
from mbot_nb.robots.emulators.emulator import Emulator

WORLD: dict[str, Any] = {"width": 600, "height": 600, "starts": [{"x": 200, "y": 200}]}
TURNED: dict[str, Any] = {**WORLD, "starts": [{"x": 300, "y": 300, "heading": 130}]}


@pytest.fixture
def emulated(tmp_path: Path) -> Iterator[Callable[..., Emulator]]:
    with ExitStack() as stack:
        yield lambda **how: stack.enter_context(
            emulate(
                how.pop("kind", "cyberpi"), boot=0.02, registered=False, **{"world": WORLD, **how}
            )
        )


@pytest.fixture(autouse=True)
def own_folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MBOT_NB_CONFIG_DIR", str(tmp_path))


async def corner(bot: mb.Client) -> None:
    await bot.drive(40, 40, duration=0.8)
    await bot.drive(-12, 12, duration=1.2)
    await bot.drive(40, 40, duration=0.8)


async def _twins(emulator: Emulator, program: Any = corner) -> Twin:
    """On the simulator and on an emulated robot."""
    async with (
        mb.serve(mb.SimulatedRobot(world=TURNED), port=0) as server,
        mb.connect(server) as simulated,
        mb.connect(f"usb:{emulator.address}") as real,
    ):
        return await twin(program, simulated, real)


def numbers(result: Twin) -> dict[tuple[str, str], float]:
    """The summary by row and column."""
    return {
        (row, column): values[row]  # type: ignore[misc]
        for column, values in result.summary.to_dict().items()
        for row in values
    }


def places(result: Twin, name: str) -> list[tuple[float, float, float]]:
    """Where one of them was."""
    return [
        (x, y, heading)
        for robot, _, x, y, heading in result.paths.itertuples(index=False)
        if robot == name
    ]


async def test_a_slower_robot_is_found_out(emulated: Callable[..., Emulator]) -> None:
    """Its motors turn half as fast, which its encoders see."""
    emulator = emulated(scale=0.5)
    result = await _twins(emulator)
    summary = numbers(result)
    assert summary["way_cm", "ratio"] == pytest.approx(0.5, abs=0.15), (
        "a busy machine ends a motion late"
    )
    assert summary["turned_deg", "ratio"] == pytest.approx(0.5, abs=0.25)
    truth = emulator.vehicle.sense()
    way = (truth["encoder_left"] + truth["encoder_right"]) / 2 / 360 * pi * 6.5
    assert summary["way_cm", "real"] == pytest.approx(way, rel=0.1), "what it told is what it did"
    assert 1 < summary["apart_cm", "real"] < 30
    words = str(result)
    assert "The real robot drove" in words
    assert "% less" in words
    assert re.search(
        r"began to move -?\d+ ms after a command \(.+?\), the simulated one after -?\d+ \(.+?\)",
        words,
    )
    assert "calibrate" in words, "its constants were never measured"
    assert not result.measured
    assert list(result.motions.robot) == ["simulated"] * 3 + ["real"] * 3
    for name in result.names:
        assert places(result, name)[0] == (0, 0, 0), "both from one origin, however they stand"
        x, y, _ = places(result, name)[-1]
        least = 8 if name == "simulated" else 4
        assert x > least
        assert y > least, "to the left of where it looked at first"
    assert "<table" in result._repr_html_()

    ways, starts = mb.plots.twin(result), mb.plots.reactions(result)
    assert "drove" in repr(ways)
    assert "simulated: median" in repr(starts)
    assert len(starts.get_yticks()) == 2
    for ax in (ways, starts):
        png, _ = ax._repr_png_()  # type: ignore[attr-defined]
        assert len(png) > 5000


async def test_two_of_a_kind_do_the_same() -> None:
    async with (
        mb.serve(mb.SimulatedRobot(world=WORLD), port=0) as first,
        mb.serve(mb.SimulatedRobot(world=TURNED), port=0) as second,
        mb.connect(first) as one,
        mb.connect(second) as other,
    ):
        result = await twin(corner, one, other, names=("left", "right"))
    assert result.names == ("left", "right")
    assert "The right robot drove" in result.difference
    assert numbers(result)["way_cm", "ratio"] == pytest.approx(1, abs=0.05)
    assert result.apart < 3
    assert result.measured


async def test_one_that_begins_later_is_found_out() -> None:
    """Behind a network that takes 150 ms each way: there and back is what its reports show."""
    async with (
        mb.serve(mb.SimulatedRobot(world=WORLD), port=0) as first,
        mb.serve(mb.SimulatedRobot(world=TURNED), port=0) as second,
        mb.connect(first) as near,
        network(Network(delay=0.15), seed=1).relay(second) as relay,
        mb.connect(relay.url) as other,
    ):
        result = await twin(corner, near, other)
    assert numbers(result)["began_ms", "difference"] == pytest.approx(300, abs=100), (
        "a busy machine is late itself"
    )
    assert len(result.motions.began_ms.dropna()) == 6


async def test_what_cannot_be_compared_says_why(emulated: Callable[..., Emulator]) -> None:
    async with (
        mb.serve(mb.SimulatedRobot(world=WORLD), port=0) as server,
        mb.connect(server) as bot,
    ):
        with pytest.raises(mb.UsageError, match="given one twice"):
            await twin(corner, bot, bot)
        async with mb.connect(server) as other:
            with pytest.raises(mb.UsageError, match="passed without"):
                await twin(print, bot, other)  # type: ignore[arg-type]
    with pytest.raises(mb.UsageError, match="no encoders"):
        await _twins(emulated(kind="mbot"))


async def test_a_program_that_fails_stops_both(emulated: Callable[..., Emulator]) -> None:
    emulator = emulated()

    async def broken(bot: mb.Client) -> None:
        if bot.state.capabilities.to_dict().get("kind") == "mbot2":
            await bot.drive(20, 20, duration=8)
        await asyncio.sleep(0.3)
        raise ValueError("my mistake")

    with pytest.raises(ValueError, match="my mistake"):
        await _twins(emulator, broken)
    assert await asyncio.to_thread(emulator.vehicle.standing.wait, 5)


async def test_without_any_motion_there_is_nothing_to_tell() -> None:
    async def nothing(bot: mb.Client) -> None:
        await bot.set_led(1, 2, 3)

    async with (
        mb.serve(mb.SimulatedRobot(world=WORLD), port=0) as first,
        mb.serve(mb.SimulatedRobot(world=WORLD), port=0) as second,
        mb.connect(first) as one,
        mb.connect(second) as other,
    ):
        result = await twin(nothing, one, other)
    assert "drove as far (0.0 cm" in result.difference
    assert len(result.motions) == 0
    assert "no motion was long enough" in repr(mb.plots.reactions(result))
    assert "drove as far" in repr(mb.plots.twin(result))
