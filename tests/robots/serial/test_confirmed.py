"""What is done is confirmed by the robot, and what is not confirmed is an error: as a client behind
a server sees it."""

from __future__ import annotations

import asyncio

import pytest

import mbot_nb as mb
from mbot_nb.errors import CommandError, CommandTimeoutError, DeliveryUnknownError
from tests.helpers.serial_robots import EMPTY, KINDS, Workshop, ran
from tests.helpers.waiting import eventually


@KINDS
@pytest.mark.parametrize("lost", ["everything", "the answers"])
async def test_what_the_robot_does_not_confirm_is_an_error_for_who_waits(
    workshop: Workshop, kind: str, lost: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    emulator = await asyncio.to_thread(workshop.emulator, kind, world=EMPTY)
    robot, _ = await asyncio.to_thread(workshop.robot, emulator)
    robot.detach()
    async with mb.serve(robot, port=0) as server, mb.connect(server.url) as bot:
        await bot.set_led(r=1, g=2, b=3)
        assert emulator.vehicle.leds[0] == (1, 2, 3), "done is done"
        if lost == "everything":
            emulator.faults.silence = 1.0
        else:
            monkeypatch.setattr(emulator, "_transmit", lambda *frame: None)
        driving = asyncio.ensure_future(bot.drive(left=30, right=30, duration=10))
        await asyncio.sleep(0)
        with pytest.raises(CommandError, match="set_led"):
            await bot.set_led(r=9, g=9, b=9)
        with pytest.raises((CommandTimeoutError, DeliveryUnknownError)):
            await driving
        monkeypatch.undo()
        emulator.faults.silence = 0.0


async def test_who_waits_for_one_confirmation_holds_up_no_other_command(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Commands of one client are sent as they come, in their order, while no answer has come
    yet."""
    emulator = await asyncio.to_thread(workshop.emulator, world=EMPTY)
    robot, _ = await asyncio.to_thread(workshop.robot, emulator)
    robot.detach()
    async with mb.serve(robot, port=0) as server, mb.connect(server.url) as bot:
        monkeypatch.setattr(emulator, "_transmit", lambda *frame: None)  # its answers are lost
        asked = [asyncio.ensure_future(_lit(bot, n)) for n in (1, 2, 3)]
        colours = [f"cyberpi.led.on({n}, 0, 0, {n})" for n in (1, 2, 3)]
        await asyncio.to_thread(
            eventually,
            lambda: (
                [script for script in ran(emulator) if script.startswith("cyberpi.led.on")][:3]
                == colours
            ),
            "all",
        )
        assert not any(each.done() for each in asked)
        monkeypatch.undo()  # it is asked again, and its answers come
        await asyncio.gather(*asked)


async def _lit(bot: mb.Client, index: int) -> None:
    await bot.set_led(r=index, g=0, b=0, index=index)
