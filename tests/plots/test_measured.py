"""Pictures of what the lab has measured: what they draw is what was measured, and they can be read
without colour."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from io import BytesIO
from typing import Any

import matplotlib.image
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import mbot_nb as mb
from mbot_nb import plots
from mbot_nb.lab import LoadRun, PingRun, percentile
from mbot_nb.plots.figure import STYLES, ShownAxes, style
from mbot_nb.protocol.batching import mean_wait

Draw = Callable[..., Axes]


@pytest.fixture(
    params=[
        "latency",
        "latency of commands",
        "ecdf",
        "percentiles",
        "histogram",
        "heatmap",
        "stages",
        "reconnects",
        "compare",
        "sweep",
        "waits",
        "throughput",
    ]
)
def draw(
    request: pytest.FixtureRequest,
    ping_run: Callable[..., PingRun],
    load_run: Callable[..., LoadRun],
    sweep_table: pd.DataFrame,
) -> Draw:
    """Each plot, ready to be drawn into ``ax=...``."""
    two = ping_run("near"), ping_run("far", scale=4, seed=2)
    plans: dict[str, Draw] = {
        "latency": lambda **into: plots.latency(two[0], **into),
        "latency of commands": lambda **into: plots.latency(load_run(), **into),
        "ecdf": lambda **into: plots.ecdf(*two, **into),
        "percentiles": lambda **into: plots.percentiles(*two, **into),
        "histogram": lambda **into: plots.histogram(*two, **into),
        "heatmap": lambda **into: plots.heatmap(two[0], **into),
        "stages": lambda **into: plots.stages(
            load_run("as it is"), load_run("twice", scale=2), **into
        ),
        "reconnects": lambda **into: plots.reconnects(two[0], **into),
        "compare": lambda **into: plots.compare(*two, **into),
        "sweep": lambda **into: plots.sweep(sweep_table, **into),
        "waits": lambda **into: plots.waits(
            sweep_table[sweep_table.network == "lan"], x="rate", **into
        ),
        "throughput": lambda **into: plots.throughput(
            sweep_table.query("network == 'lan' and rate == 150"), **into
        ),
    }
    return plans[request.param]


def _texts(ax: Axes) -> str:
    return " ".join([ax.get_title(loc="left"), *(text.get_text() for text in ax.texts)])


def _labels(ax: Axes) -> list[str]:
    return list(ax.get_legend_handles_labels()[1])


def _ys(line: Any) -> Any:
    return np.asarray(line.get_ydata(), dtype=np.float64)


def _xs(line: Any) -> Any:
    return np.asarray(line.get_xdata(), dtype=np.float64)


def _line(ax: Axes, label: str) -> Any:
    (line,) = (line for line in ax.lines if str(line.get_label()).startswith(label))
    return line


def test_each_says_n_and_settings_and_shows_itself(draw: Draw) -> None:
    ax = draw()
    assert isinstance(ax, ShownAxes)
    png, metadata = ax._repr_png_()
    assert np.ptp(matplotlib.image.imread(BytesIO(png))[..., :3]) == 1, "there is nothing on it"
    assert "n = " in _texts(ax)
    assert "n = " in metadata["alt"]
    assert any(word in _texts(ax) for word in ("seed", "delays set")), "no settings"
    assert "pyplot" not in repr(ax.figure.canvas)


def test_each_draws_into_the_axes_it_is_given(draw: Draw) -> None:
    figure = Figure()
    left, right = figure.subplots(1, 2)
    assert draw(ax=left) is left
    assert left.lines or left.collections or left.patches
    assert not right.lines
    figure.draw_without_rendering()


def test_nothing_that_is_told_apart_is_told_apart_by_colour_alone(draw: Draw) -> None:
    ax = draw()
    looks: list[Any] = [
        (line.get_marker(), line.get_linestyle(), line._dash_pattern if line.is_dashed() else None)  # type: ignore[attr-defined]
        for line in ax.lines
        if not str(line.get_label()).startswith("_")
    ]
    looks += [
        (patch.get_hatch(), patch.get_fill())
        for patch in ax.patches
        if not str(patch.get_label()).startswith("_")
    ]
    assert len({str(look) for look in looks}) == len(looks)


def test_the_styles_differ_in_everything() -> None:
    for aspect in zip(*STYLES, strict=True):
        assert len({str(value) for value in aspect}) == len(STYLES)
    many = [style(number) for number in range(40)]
    assert len({(one.marker, str(one.line)) for one in many}) == 40


def test_a_stall_of_three_seconds_is_named_and_left_out(ping_run: Callable[..., PingRun]) -> None:
    run = ping_run()
    ax = plots.latency(run)
    assert "a cell blocked the loop for 3.0 s here" in _texts(ax)
    free = run.delays() * 1e3
    assert len(free) == 500 - 150 - 50 - 2
    assert (
        f"n = {len(free)}, p50 = {percentile(free, 50).value:.3g} ms, p99 = "
        f"{percentile(free, 99).value:.3g} ms"
    ) in _texts(ax)
    assert "150 in stalls left out" in _texts(ax)
    assert "2 lost" in _texts(ax)
    held = _line(ax, "held up by a blocked loop (150)")
    assert held.get_marker() == "x"
    assert held.get_ydata().max() > 2900
    assert _labels(ax)[-2:] == ["connection lost (1)", "connected again (1)"]
    (band,) = ax.patches
    assert (band.get_x(), band.get_width()) == pytest.approx((2, 3))  # type: ignore[attr-defined]
    # Outside of a notebook there are no cells.
    run.settings["notebook"] = False
    assert "something blocked the loop" in _texts(plots.latency(run))
    # A short one is drawn and not named.
    assert "blocked the loop for" not in _texts(plots.latency(ping_run(stall=0.1)))


def test_a_stall_of_the_io_thread_is_not_blamed_on_a_cell(ping_run: Callable[..., PingRun]) -> None:
    run = ping_run()
    first = run.stalls.iloc[0].to_dict()
    run.stalls = pd.DataFrame(
        [{**first, "loop": "I/O thread"}, {**first, "t_s": 7.0, "blocked_ms": 1000.0}]
    )
    words = _texts(plots.latency(run))
    assert "the I/O thread was blocked for 3.0 s here" in words
    assert "a cell blocked the loop for 1.0 s here" in words


def test_the_distribution_is_that_of_the_samples(ping_run: Callable[..., PingRun]) -> None:
    run = ping_run("mine")
    values = np.sort(run.delays()) * 1e3
    ax = plots.ecdf(run)
    line = _line(ax, "mine")
    assert line.get_xdata() == pytest.approx(values)
    assert line.get_ydata()[-1] == 1
    assert line.get_ydata()[len(values) // 2 - 1] == pytest.approx(0.5)
    everything = _line(plots.ecdf(run, all_samples=True), "mine")
    assert everything.get_xdata().max() > 2900
    # On the percentile axis 50 % stand at 2, 90 % at 10, 99 % at 100.
    tail = _line(plots.percentiles(run), "mine")
    assert np.interp(100, tail.get_xdata(), tail.get_ydata()) == pytest.approx(
        np.quantile(values, 0.99), rel=0.05
    )
    ticks = [label.get_text() for label in plots.percentiles(run).get_xticklabels()]
    assert ticks[:4] == ["0 %", "50 %", "90 %", "99 %"]


def test_the_histogram_holds_everything(ping_run: Callable[..., PingRun]) -> None:
    ax = plots.histogram(ping_run(), [0.001, 0.002, float("nan"), 0.004])
    for patch in ax.patches:
        heights, _, _ = patch.get_data()  # type: ignore[attr-defined]
        assert heights.sum() == pytest.approx(100)
    assert "1 lost" not in _texts(ax)
    assert "n = 298 and 3" in _texts(ax)


def test_the_heat_map_counts_every_answer(ping_run: Callable[..., PingRun]) -> None:
    run = ping_run()
    ax = plots.heatmap(run)
    mesh = ax.collections[0]
    assert np.ma.sum(np.ma.asarray(mesh.get_array())) == 498
    assert "n = 498" in _texts(ax)
    assert _labels(ax) == ["loop blocked (1)", "connection lost (1)"]


def test_the_stages_add_up(load_run: Callable[..., LoadRun]) -> None:
    ax = plots.stages(load_run("one"), load_run("two", scale=2))
    widths = [patch.get_width() for patch in ax.patches]  # type: ignore[attr-defined]
    assert sum(widths[:6]) == pytest.approx(48)
    assert sum(widths[6:]) == pytest.approx(96)
    assert "waits in the batch" in _labels(ax)
    assert "n = 180, 180" in _texts(ax)
    assert "96 ms" in _texts(ax)
    with pytest.raises(mb.UsageError, match=r"lab\.load"):
        plots.stages()


def test_the_ladder_is_that_of_the_connection(ping_run: Callable[..., PingRun]) -> None:
    ax = plots.reconnects(ping_run())
    attempts = _line(ax, "1: the cable was pulled")
    assert attempts.get_xdata() == pytest.approx([0, 1.01])
    assert attempts.get_ydata() == pytest.approx([1, 2])
    assert "back after 1.02 s" in str(attempts.get_label())
    assert "n = 1 cut, 2 attempts, 1 back" in _texts(ax)
    planned = _line(ax, "as planned")
    assert planned.get_xdata()[1:3] == pytest.approx([0, 1])
    run = ping_run()
    run.connection = run.connection.iloc[:0]
    assert "not lost yet" in _texts(plots.reconnects(run))


def test_a_comparison_tells_the_intervals_and_the_verdict(ping_run: Callable[..., PingRun]) -> None:
    near, far = ping_run("near"), ping_run("far", scale=4, seed=2)
    ax = plots.compare(near, far)
    assert "far is slower: median" in _texts(ax)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["near\nn = 298", "far\nn = 298"]
    medians = [line for line in ax.lines if line.get_marker() == "o"]
    found = [float(np.median(run.delays())) * 1e3 for run in (near, far)]
    assert [_xs(line)[0] for line in medians] == pytest.approx(found, rel=0.02)
    # 298 values do not tell the upper end of a p99.
    assert sum(line.get_marker() == ">" for line in ax.lines) == 2
    assert "no difference shown" in _texts(plots.compare(near, near))


def test_a_sweep_is_one_figure_with_all_its_intervals(sweep_table: pd.DataFrame) -> None:
    ax = plots.sweep(sweep_table)
    assert "n = 72 experiments" in _texts(ax)
    assert "repeated 2 times, seed 3" in _texts(ax)
    assert _labels(ax) == ["window 20 ms", "window 50 ms", "window 100 ms"]
    assert {"lan", "wifi", "internet"} <= {text.get_text() for text in ax.texts}
    assert [label.get_text() for label in ax.get_xticklabels()] == [
        "15/s",
        "50/s",
        "150/s",
        "500/s",
    ] * 3
    markers = {style.marker for style in STYLES[:3]}
    dots = [line for line in ax.lines if line.get_marker() in markers and len(_xs(line)) == 1]
    assert sorted(_ys(line)[0] for line in dots) == pytest.approx(sorted(sweep_table.p50_ms))
    assert not [
        line for line in ax.lines if line.get_marker() == "_" and not math.isfinite(_ys(line)[0])
    ]
    open_ends = plots.sweep(sweep_table, figure="p99")
    assert "p99" in open_ends.get_ylabel()
    with pytest.raises(mb.UsageError, match="p50, p90"):
        plots.sweep(sweep_table, figure="p51")
    with pytest.raises(mb.UsageError, match="p90_ms"):
        plots.sweep(sweep_table, figure="p90")


def test_what_is_missing_of_a_sweep_is_told(sweep_table: pd.DataFrame) -> None:
    some = sweep_table.iloc[:20]
    some.attrs["missing"] = 52
    ax = plots.sweep(some)
    assert "n = 20 experiments" in _texts(ax)
    assert "52 points not measured yet" in _texts(ax)


def test_the_closed_form_is_drawn_over_the_points(sweep_table: pd.DataFrame) -> None:
    table = sweep_table[(sweep_table.network == "lan") & (sweep_table.batch_window == 0.1)]
    ax = plots.waits(table, x="rate")
    (curve,) = (line for line in ax.lines if len(_xs(line)) > 100)
    for rate, wait in zip(_xs(curve), _ys(curve), strict=True):
        assert wait == pytest.approx(mean_wait(rate, 0.1, 10) * 1e3)
    assert "off by 2.0% in the median, 2.0% at most" in _texts(ax)
    adaptive = table.copy()
    adaptive.attrs = {
        **table.attrs,
        "parameters": {**table.attrs["parameters"], "policy": "adaptive"},
    }
    assert not [line for line in plots.waits(adaptive, x="rate").lines if len(_xs(line)) > 100]


def test_what_cannot_be_drawn_is_refused_with_what_to_do() -> None:
    with pytest.raises(mb.UsageError, match=r"lab\.measure_throughput"):
        plots.throughput(pd.DataFrame({"a": [1]}))
    with pytest.raises(mb.UsageError, match=r"lab\.sweep"):
        plots.waits(pd.DataFrame({"a": [1]}))
    for plot in (plots.ecdf, plots.compare, plots.histogram, plots.percentiles):
        with pytest.raises(mb.UsageError, match="nothing to"):
            plot()
        with pytest.raises(mb.UsageError, match="no delays to draw in str"):
            plot("a recorder")
    assert "no values to draw yet" in _texts(plots.ecdf([]))
    assert "no values to draw yet" in _texts(plots.histogram([]))


def test_long_small_print_is_folded_and_takes_nothing_from_the_picture(
    ping_run: Callable[..., PingRun],
) -> None:
    run = ping_run("a name " * 12)
    ax = plots.ecdf(run, ping_run())
    assert isinstance(ax, ShownAxes)
    ax._repr_png_()
    assert ax.get_position().width > 0.8
    figure = ax.get_figure(root=True)
    assert figure is not None
    small = next(text for text in ax.texts if "seed" in text.get_text())
    assert small.get_window_extent().x1 < figure.bbox.width


async def test_out_of_order_is_told_from_in_order() -> None:
    """Through a relay that reorders and doubles; the picture counts what the session counted."""
    messy = mb.lab.Network(delay=0.002, reorder=0.3, duplicate=0.2)
    heard: list[int] = []
    async with (
        mb.serve(mb.SimulatedRobot(seed=1), port=0) as server,
        mb.lab.network("perfect", down=messy, seed=4).relay(server) as relay,
        mb.connect(relay.url) as bot,
    ):
        bot.subscribe("step", lambda event: heard.append(event["n"]))
        with mb.Recorder(bot, ping_rate=0) as rec:
            for n in range(20):
                server.emit("step", {"n": n})
                await asyncio.sleep(0.01)
            async with asyncio.timeout(10):
                while len(heard) < 20:  # noqa: ASYNC110 - what is waited for has no event
                    await asyncio.sleep(0.01)
        ax = plots.order(rec)
    assert heard == list(range(20))
    assert "n = 20 events" in _texts(ax)
    assert "handed on all in order" in _texts(ax)
    came = rec.frames[
        (rec.frames.direction == "in") & rec.frames.sequence.notna()
    ].sequence.tolist()
    doubled = len(came) - len(set(came))
    assert doubled > 0
    assert f"{doubled} twice" in _texts(ax)
    first = {number: came.index(number) for number in set(came)}
    early = sum(
        any(first[below] > at for below in range(1, number)) for number, at in first.items()
    )
    assert early > 0
    assert f"{early} came too early" in _texts(ax)
    assert _ys(_line(ax, "handed on")).tolist() == list(range(1, 21))
