"""A recording with a bit of everything."""

from __future__ import annotations

import asyncio

import pytest

import mbot_nb as mb


@pytest.fixture
async def run(bot: mb.Client) -> mb.Recording:
    """A bit of everything, and texts that are hard to write down."""
    with mb.Recorder(bot, ping_rate=30, text=True) as rec:
        await bot.drive(40, 30, duration=0.2)
        with pytest.raises(mb.CommandRejectedError):
            await bot.send_command('say "ü,\n;"', words='zwei "Zeilen"\r\nund, ein Komma')
        for n in range(12):
            bot.send("set_led", r=n, g=0, b=0)
        bot.cut()
        async with asyncio.timeout(5):
            while not bot.connected:  # noqa: ASYNC110 - what is waited for has no event
                await asyncio.sleep(0.005)
        await bot.display_text("")
        await bot.update_personality(curiosity_drive=0.1)
    return rec.to_recording()
