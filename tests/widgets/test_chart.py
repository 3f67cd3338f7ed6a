"""The live chart: which numbers it takes, and that only new ones go to the page."""

from __future__ import annotations

import pytest

import mbot_nb as mb
from mbot_nb.loops.monitor import LoopMonitor
from mbot_nb.widgets import LiveChart
from mbot_nb.widgets.chart_image import COLORS
from tests.helpers.waiting import until
from tests.helpers.widget_page import Page, latest, lines, statuses


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


def names(page: Page, chart: LiveChart) -> list[str]:
    return [line["name"] for line in latest(page, chart, "lines")]


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
    for offered in offers.values():
        LiveChart(bot, *offered[:8]).close()  # all that is offered can be drawn
    since = len(page.binary(chart))
    page.send(chart, kind="add", name="pose.y")
    page.send(chart, kind="add", name="telemetry.speed")
    await until(lambda: names(page, chart) == ["pose.x", "pose.y", "telemetry.speed"])
    assert [line["color"] for line in latest(page, chart, "lines")] == list(COLORS[:3])
    assert lines(page, chart, since)[1][-1][1] == pytest.approx(bot.state.pose.y), (
        "a state begins with what is known"
    )
    await bot.drive(30, 30, duration=0.2)
    await until(lambda: len(lines(page, chart, since)[2]) > 1)
    page.send(chart, kind="remove", name="pose.x")
    await until(lambda: names(page, chart) == ["pose.y", "telemetry.speed"])
    page.send(chart, kind="add", name="latency")
    await until(lambda: len(names(page, chart)) == 3)
    colors = [line["color"] for line in latest(page, chart, "lines")]
    assert colors == [COLORS[1], COLORS[2], COLORS[0]], "whoever stays keeps its colour"
    page.send(chart, kind="add", name="latency")
    await until(lambda: statuses(page, chart)[-1:] == ["latency is drawn already."])
    page.send(chart, kind="add", name="nonsense")
    await until(lambda: "not 'nonsense'" in statuses(page, chart)[-1])
    for name in [name for offered in offers.values() for name in offered][:8]:
        page.send(chart, kind="add", name=name)
    await until(lambda: "up to 8 lines" in statuses(page, chart)[-1])
    assert len(names(page, chart)) == 8
    chart.close()
