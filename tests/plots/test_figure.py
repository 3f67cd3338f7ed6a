"""Every picture: it says what was measured, shows itself, draws into any Axes, and is read without
colour and without pyplot."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator, Callable
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
from mbot_nb.lab import LoadRun, PingRun
from mbot_nb.plots.figure import STYLES, ShownAxes, style
from tests.helpers.pictures import texts

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


def test_each_says_n_and_settings_and_shows_itself(draw: Draw) -> None:
    ax = draw()
    assert isinstance(ax, ShownAxes)
    png, metadata = ax._repr_png_()
    assert np.ptp(matplotlib.image.imread(BytesIO(png))[..., :3]) == 1, "there is nothing on it"
    assert "n = " in texts(ax)
    assert "n = " in metadata["alt"]
    assert any(word in texts(ax) for word in ("seed", "delays set")), "no settings"
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
    assert "no values to draw yet" in texts(plots.ecdf([]))
    assert "no values to draw yet" in texts(plots.histogram([]))


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


PLOTS = [
    plots.latency,
    plots.path,
    plots.batches,
    plots.ecdf,
    plots.heatmap,
    plots.percentiles,
    plots.reconnects,
]
Plot = Callable[..., Axes]


@pytest.fixture
async def empty() -> AsyncIterator[mb.Recorder]:
    async with mb.serve(mb.SimulatedRobot(seed=1), port=0) as server, mb.connect(server) as bot:
        yield mb.Recorder(bot, ping_rate=0).stop()


@pytest.mark.parametrize("plot", PLOTS)
async def test_a_picture_shows_itself(plot: Plot, rec: mb.Recorder) -> None:
    ax = plot(rec)
    assert isinstance(ax, ShownAxes)
    png, metadata = ax._repr_png_()
    pixels = matplotlib.image.imread(BytesIO(png))
    assert metadata["width"] < pixels.shape[1], "sharp screens get more pixels"
    assert np.ptp(pixels[..., :3]) == 1, "there is nothing on it"
    assert "n = " in metadata["alt"]
    assert "n = " in repr(ax)


@pytest.mark.parametrize("plot", PLOTS)
async def test_it_draws_into_the_axes_it_is_given(plot: Plot, rec: mb.Recorder) -> None:
    figure = Figure()
    left, right = figure.subplots(1, 2)
    assert plot(rec, ax=left) is left
    assert left.lines or left.collections
    assert not right.lines
    figure.savefig(BytesIO(), format="svg")


@pytest.mark.parametrize("plot", PLOTS)
async def test_nothing_recorded_is_a_picture_that_says_so(plot: Plot, empty: mb.Recorder) -> None:
    ax = plot(empty)
    assert isinstance(ax, ShownAxes)
    assert ax._repr_png_()[0].startswith(b"\x89PNG")
    assert " no " in texts(ax) or " not " in texts(ax)


def test_pyplot_is_not_touched() -> None:
    script = (
        "import sys, mbot_nb as mb; mb.plots.latency; print('matplotlib.pyplot' in sys.modules)"
    )
    run: Any = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=25, check=True
    )
    assert run.stdout.strip() == "False"
