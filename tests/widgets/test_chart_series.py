"""The lines of a chart: which values become points."""

from __future__ import annotations

import asyncio
import time

import pytest

import mbot_nb as mb
from mbot_nb.loops.monitor import LoopMonitor
from mbot_nb.widgets import LiveChart
from mbot_nb.widgets.chart import MIN_STALL
from tests.helpers.waiting import until
from tests.helpers.widget_page import Page, lines


async def test_state_events_round_trips_and_batches(page: Page, bot: mb.Client) -> None:
    chart = LiveChart(bot, "pose.x", "telemetry.speed", "latency", "batch_size", "leds.0.2")
    page.send(chart, kind="show", view="a")
    everything = page.messages(chart)[0]
    assert [line["name"] for line in everything["lines"]] == [
        "pose.x",
        "telemetry.speed",
        "latency",
        "batch_size",
        "leds.0.2",
    ]
    assert [line["unit"] for line in everything["lines"]] == ["cm", "cm/s", "ms", "commands", ""]
    assert [line["holds"] for line in everything["lines"]] == [True, False, False, False, True]
    await bot.set_led(1, 2, 3)
    for _ in range(3):
        bot.send("display_text", text="a")
    await bot.flush()
    await bot.ping()
    await bot.drive(40, 40, duration=0.5)
    await until(lambda: all(lines(page, chart)))
    await until(lambda: bot.state_age > 0.3)
    x, speed, latency, batches, led = lines(page, chart)
    assert x[0] == (0.0, 100.0)
    assert x[-1][1] == bot.state.pose.x
    assert max(value for _, value in speed) > 20
    assert 0 < latency[-1][1] < 1000
    assert 3 in [value for _, value in batches]
    assert led[-1][1] == 3
    for line in (x, speed, latency, batches, led):
        assert [t for t, _ in line] == sorted(t for t, _ in line)
    chart.close()


async def test_stalls_and_lost_connections_are_marked(page: Page, bot: mb.Client) -> None:
    chart = LiveChart(bot, "pose.x", "loop_lag")
    page.send(chart, kind="show", view="a")
    await asyncio.sleep(0.1)
    time.sleep(MIN_STALL + 0.1)  # noqa: ASYNC251 - this is the stall
    await until(lambda: any(message.get("marks") for message in page.messages(chart)))
    bot.cut(0.3)
    marks: list[dict[str, object]] = []
    await until(lambda: bot.reconnecting)
    await until(lambda: bot.connected)
    await bot.ping()
    await until(
        lambda: (
            "back"
            in [
                mark["what"]
                for message in page.messages(chart)
                for mark in message.get("marks", ())
            ]
        )
    )
    marks = [mark for message in page.messages(chart) for mark in message.get("marks", ())]
    assert [mark["what"] for mark in marks] == ["stall", "lost", "back"]
    assert marks[0]["seconds"] == pytest.approx(MIN_STALL + 0.1, abs=0.15)
    assert max(value for _, value in lines(page, chart)[1]) > MIN_STALL * 1e3
    chart.close()
    assert not LoopMonitor.of(bot.home.loop).watching


async def test_what_is_no_number_is_left_out(page: Page, bot: mb.Client) -> None:
    chart = LiveChart(
        bot,
        "neural_state.mode",
        "motors.moving",
        "pose.nothing",
        "stimulus_detected.strength.deeper",
    )
    await bot.drive(40, 40, duration=0.3)
    page.send(chart, kind="show", view="a")
    mode, moving, nothing, deeper = lines(page, chart)
    assert mode == nothing == deeper == []
    assert {value for _, value in moving} <= {0.0, 1.0}
    assert moving
    bundle = chart._repr_mimebundle_()
    assert bundle is not None
    assert "unknown" in bundle[1]["image/png"]["alt"]
    chart.close()
