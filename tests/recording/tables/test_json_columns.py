"""JSON in a column becomes columns of its own."""

from __future__ import annotations

import json

import pytest

import mbot_nb as mb
from tests.helpers.recordings import short_run


async def test_expanding_decodes_json_into_columns(bot: mb.Client) -> None:
    rec = await short_run(bot)
    told = rec.expand("data", name="telemetry")
    texts = rec.events.data[rec.events.name == "telemetry"]
    assert told["data.x"].tolist() == [json.loads(text)["x"] for text in texts]
    assert "data" not in told.columns
    assert len(rec.expand()) == len(rec.events)
    assert rec.to_recording().expand("value")["value"].dtype == object
    with pytest.raises(mb.UsageError, match="waits_ms"):
        rec.expand("name")
