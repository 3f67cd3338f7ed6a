"""Recordings as MCAP."""

from __future__ import annotations

import json
from pathlib import Path

from mcap.reader import make_reader

import mbot_nb as mb
from mbot_nb.recording.tables.schema import SCHEMA


async def test_mcap_is_read_by_its_own_reader(run: mb.Recording, tmp_path: Path) -> None:
    path = run.save(tmp_path / "run.mcap")
    with path.open("rb") as file:
        reader = make_reader(file)
        summary = reader.get_summary()
        assert summary is not None
        assert summary.statistics is not None
        counts = {
            channel.topic.removeprefix("/"): summary.statistics.channel_message_counts.get(
                channel.id, 0
            )
            for channel in summary.channels.values()
        }
        assert counts == {name: run.total(name) for name in SCHEMA}
        messages = [(channel.topic, message) for _, channel, message in reader.iter_messages()]
        [metadata] = reader.iter_metadata()
    assert json.loads(metadata.metadata["metadata"]) == run.metadata
    times = [message.log_time for _, message in messages]
    assert times == sorted(times)
    events = [message for topic, message in messages if topic == "/events"]
    assert [message.log_time // 1000 for message in events] == sorted(
        run.events.wall.astype("int64")
    )
    assert all("data" in json.loads(message.data) for message in events)
    schema = json.loads(next(iter(summary.schemas.values())).data)
    assert schema["type"] == "object"
