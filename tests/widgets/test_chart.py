"""The live chart: which numbers it takes, and that only new ones go to the page."""

from __future__ import annotations

import asyncio
import time
from array import array
from io import BytesIO

import pytest
from PIL import Image

import mbot_nb as mb
from mbot_nb.loops.monitor import LoopMonitor
from mbot_nb.widgets import LiveChart
from mbot_nb.widgets.chart import STALL
from mbot_nb.widgets.chart_image import COLOURS
from tests.helpers.waiting import until
from tests.helpers.widget_page import Page


def lines(page: Page, chart: LiveChart, since: int = 0) -> list[list[tuple[float, float]]]:
    """What the page has got of each line, after so many messages with values."""
    got: list[list[tuple[float, float]]] = [[] for _ in chart._lines]
    for content, data in page.binary(chart)[since:]:
        numbers = array("d", data).tolist()
        for line, count in enumerate(content["counts"]):
            pairs, numbers = numbers[: 2 * count], numbers[2 * count :]
            got[line] += list(zip(pairs[::2], pairs[1::2], strict=True))
        assert numbers == []
    return got


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


async def test_only_new_values_are_sent_and_a_new_view_gets_all(page: Page, bot: mb.Client) -> None:
    chart = LiveChart(bot, "pose.x", points=10)
    page.send(chart, kind="show", view="a")
    await bot.drive(40, 40, duration=1.2)
    await until(lambda: bot.state_age > 0.3)
    sent = page.binary(chart)
    assert sum(content["counts"][0] for content, _ in sent) > 10
    assert max(content["counts"][0] for content, _ in sent) <= 3, "each value once"
    page.send(chart, kind="show", view="b")
    assert page.binary(chart)[-1][0]["counts"] == [10], "no more than are kept"
    assert [message["kind"] for message in page.messages(chart)][-2:] == ["anew", "points"]
    chart.close()


async def test_while_nobody_looks_nothing_is_sent_and_not_too_much_kept(
    page: Page, bot: mb.Client
) -> None:
    chart = LiveChart(bot, "pose.x", points=10)
    await bot.drive(40, 40, duration=1.2)
    assert page.messages(chart) == []
    assert len(chart._lines[0].new) <= 20
    assert not LoopMonitor.of(bot.home.loop).watching, "and no thread watches the loop"
    chart.close()


async def test_stalls_and_lost_connections_are_marked(page: Page, bot: mb.Client) -> None:
    chart = LiveChart(bot, "pose.x", "loop_lag")
    page.send(chart, kind="show", view="a")
    await asyncio.sleep(0.1)
    time.sleep(STALL + 0.1)  # noqa: ASYNC251 - this is the stall
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
    assert marks[0]["seconds"] == pytest.approx(STALL + 0.1, abs=0.15)
    assert max(value for _, value in lines(page, chart)[1]) > STALL * 1e3
    chart.close()
    assert not LoopMonitor.of(bot.home.loop).watching


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (("speed",), "'telemetry.speed'"),
        (("pose.",), "'pose.'"),
        ((".x",), "'.x'"),
        (("pose.x", "pose.x"), "different"),
        (tuple(f"a.b{number}" for number in range(9)), "up to 8"),
    ],
)
async def test_names_that_are_none_are_refused_in_words(
    page: Page, bot: mb.Client, names: tuple[str, ...], words: str
) -> None:
    with pytest.raises(mb.UsageError, match=words):
        LiveChart(bot, *names)
    with pytest.raises(mb.UsageError, match="10 to 20000"):
        LiveChart(bot, "pose.x", points=3)


async def test_what_is_no_number_is_left_out(page: Page, bot: mb.Client) -> None:
    chart = LiveChart(
        bot,
        "neural_state.mode",
        "motors.moving",
        "pose.nothing",
        "stimulus_detected.strength.deeper",
    )
    await bot.drive(40, 40, duration=0.3)
    assert [len(line.values) > 0 for line in chart._lines] == [False, True, False, False]
    assert set(chart._lines[1].values) <= {0.0, 1.0}
    assert "unknown" in chart._alt()
    chart.close()


async def test_a_page_without_a_kernel_sees_the_lines(page: Page, bot: mb.Client) -> None:
    chart = LiveChart(bot, "pose.x", "telemetry.speed")
    await bot.drive(40, 40, duration=0.4)
    bundle = chart._repr_mimebundle_()
    assert bundle is not None
    assert "pose.x" in bundle[1]["image/png"]["alt"]
    image = Image.open(BytesIO(chart.still_picture())).convert("RGB")
    colours = {image.getpixel((x, y)) for x in range(image.width) for y in range(image.height)}
    assert any(
        isinstance(colour, tuple) and abs(colour[2] - 178) < 25 and colour[0] < 40
        for colour in colours
    ), "a blue line"
    chart.close()


async def test_lines_are_chosen_on_the_page_and_taken_away(page: Page, bot: mb.Client) -> None:
    chart = LiveChart(bot, "pose.x")
    page.send(chart, kind="show", view="a")
    await bot.drive(30, 30, duration=0.3)
    page.send(chart, kind="offers")
    await until(lambda: page.messages(chart)[-1]["kind"] == "offers")
    offers = dict(page.messages(chart)[-1]["offers"])
    assert offers["The connection"] == ["latency", "batch_size", "loop_lag"]
    assert {"pose.x", "pose.y"} <= set(offers["State: pose"])
    assert "leds.0.2" in offers["State: leds"]
    assert "telemetry.speed" in offers["Event: telemetry"], "its event has been heard"
    assert "neural_state.mode" not in offers["State: neural_state"], "no number"
    for names in offers.values():
        LiveChart(bot, *names[:8]).close()  # all that is offered can be drawn
    since = len(page.binary(chart))
    page.send(chart, kind="add", name="pose.y")
    page.send(chart, kind="add", name="telemetry.speed")
    await until(lambda: len(chart._lines) == 3)
    everything = [message for message in page.messages(chart) if message["kind"] == "all"][-1]
    assert [line["name"] for line in everything["lines"]] == ["pose.x", "pose.y", "telemetry.speed"]
    assert [line["colour"] for line in everything["lines"]] == list(COLOURS[:3])
    assert lines(page, chart, since)[1][-1][1] == pytest.approx(bot.state.pose.y), (
        "a state begins with what is known"
    )
    await bot.drive(30, 30, duration=0.2)
    await until(lambda: len(lines(page, chart, since)[2]) > 1)
    page.send(chart, kind="take", name="pose.x")
    await until(lambda: [line.name for line in chart._lines] == ["pose.y", "telemetry.speed"])
    page.send(chart, kind="add", name="latency")
    await until(lambda: len(chart._lines) == 3)
    assert [line.colour for line in chart._lines] == [1, 2, 0], "whoever stays keeps its colour"
    page.send(chart, kind="add", name="latency")
    await until(lambda: chart._status["text"] == "latency is drawn already.")
    page.send(chart, kind="add", name="nonsense")
    assert "not 'nonsense'" in chart._status["text"]
    for name in [name for names in offers.values() for name in names][:8]:
        page.send(chart, kind="add", name=name)
    await until(lambda: "up to 8 lines" in chart._status["text"])
    assert len(chart._lines) == 8
    chart.close()
