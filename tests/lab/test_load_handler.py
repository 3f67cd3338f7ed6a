"""The server's side of a measured load."""

from __future__ import annotations

import numpy as np
import pytest

import mbot_nb as mb
from mbot_nb import plots
from mbot_nb.lab import Network, answer, load
from mbot_nb.lab.load_handler import COMMAND, EVENT
from mbot_nb.lab.loading import STAGES
from tests.helpers.connections import Through
from tests.helpers.pictures import small_print


async def test_one_way_times_of_another_clock_have_an_error(
    through: Through, server: mb.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    bot = await through(Network(0.02), down=Network(0.005))
    end = answer(server)
    monkeypatch.setattr("mbot_nb.embedded.registry.LocalServers.at", lambda self, url: None)
    run = await load(bot, rate=100, duration=0.5)
    end()
    assert run.clock is not None
    assert 0.0125 <= run.clock.error < 0.02
    assert (
        abs(run.clock.seconds) <= run.clock.error
    )  # it is the same clock, which the lab does not know here
    samples = run.samples
    assert abs(samples["wire_ms"].min() - 20) <= samples["one_way_error_ms"].min() + 1
    assert np.allclose(samples[list(STAGES)].sum(axis=1), samples["total_ms"])
    # Wherever one-way times are shown, the bound stands beside.
    bound = samples["one_way_error_ms"].max()
    assert bound == pytest.approx(run.clock.error * 1e3, abs=0.1)
    for table in (run.stages, run.statistics.droplevel("samples")):
        assert (table["clock_error_ms"].loc[["wire_ms", "answer_ms"]] == bound).all()
        assert (table["clock_error_ms"].drop(["wire_ms", "answer_ms"]) == 0).all()
    html = run._repr_html_()
    assert html.count(f"± {bound:.3g}") == 2 * (1 + bool(run.stalled))
    assert "the other clock is not known better" in html
    picture = plots.stages(run)
    assert f"wire and answer ± {bound:.3g} ms (two clocks)" in picture.get_title(
        loc="left"
    ) + small_print(picture)


async def test_the_server_is_left_as_it_was(server: mb.Server, bot: mb.Client) -> None:
    events: list[str] = []
    bot.subscribe("*", lambda event: events.append(event.name))
    ends = answer(server), answer(server)
    run = await load(bot, rate=100, duration=0.1)
    assert run.settings["answered"]
    assert EVENT in events
    for end in ends:
        assert (await bot.send_command(COMMAND, n=-1)).answered
        end()
        end()
    with pytest.raises(mb.CommandRejectedError, match="INVALID_COMMAND"):
        await bot.send_command(COMMAND, n=-1)
