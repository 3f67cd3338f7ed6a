"""What has to be known to understand a run."""

from __future__ import annotations

import pytest

import mbot_nb as mb
from tests.helpers.recordings import short_run


async def test_the_metadata_say_how_it_was(bot: mb.Client) -> None:
    rec = await short_run(bot)
    metadata = rec.to_recording().metadata
    assert metadata["versions"]["mbot_nb"] == mb.__version__
    assert metadata["settings"]["max_batch_size"] == bot.settings.max_batch_size
    assert metadata["seed"] == 1, "of the robot of the fixture"
    assert metadata["robot"]["robotId"] == "simulated-mbot2"
    assert metadata["clocks"]["offset"]["bound_s"] < 0.1
    assert metadata["rows"]["events"] == len(rec.events)
    assert metadata["seconds"] == pytest.approx(rec.seconds, abs=1e-5)
    assert metadata["cell"] is None, "this is no notebook"
