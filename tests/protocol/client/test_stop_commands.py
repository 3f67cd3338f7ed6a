"""Urgent commands: each in a frame of its own, open until it is answered."""

from __future__ import annotations

import json

import pytest

from mbot_nb.protocol.client.stop_commands import RELEASE, StopCommands
from mbot_nb.protocol.settings import MAX_FRAME


def test_each_is_a_frame_of_its_own_that_names_what_it_overtakes() -> None:
    stops = StopCommands()
    command = stops.new("stop", {}, 7, 1.0)
    sent = stops.transmit(command, 1.5, 1234)
    message = json.loads(sent.frame)
    assert message["type"] == "command"
    assert message["payload"] == {
        "command": "stop",
        "params": {},
        "id": command.id,
        "after": 7,
    }
    assert "sequence" not in message
    assert (command.sent_at, sent.reason, sent.commands) == (1.5, "urgent", [command])


def test_one_is_open_until_it_is_answered_once() -> None:
    stops = StopCommands()
    first, second = (stops.new("stop", {}, 0, 0.0) for _ in range(2))
    assert stops.open() == [first, second]
    assert stops.pop(first.id) is first
    assert stops.pop(first.id) is None
    assert stops.open() == [second]


@pytest.mark.parametrize("id", [None, 1, "urgent-99", ["urgent-1"]])
def test_an_answer_to_nothing_finds_nothing(id: object) -> None:
    stops = StopCommands()
    stops.new("stop", {}, 0, 0.0)
    assert stops.pop(id) is None
    assert len(stops.open()) == 1


def test_only_releases_that_were_sent_are_not_sent_again() -> None:
    stops = StopCommands()
    stop, sent, waiting = (stops.new(name, {}, 0, 0.0) for name in ("stop", RELEASE, RELEASE))
    for command in (stop, sent):
        stops.transmit(command, 1.0, 0)
    assert stops.pop_releases() == [sent]
    assert stops.open() == [stop, waiting]


def test_a_server_that_knows_no_numbers_is_named_none() -> None:
    stops = StopCommands()
    command = stops.new("stop", {}, 41, 0.0)
    stops.restart()
    sent = stops.transmit(command, 1.0, 0)
    assert json.loads(sent.frame)["payload"]["after"] == 0


def test_what_outgrows_a_frame_is_refused_and_takes_no_id() -> None:
    stops = StopCommands()
    with pytest.raises(ValueError, match="do not fit into a frame"):
        stops.new("stop", {"x": "x" * MAX_FRAME}, 0, 0.0)
    assert stops.open() == []
    assert stops.new("stop", {}, 0, 0.0).id == "urgent-1"


def test_all_can_be_forgotten() -> None:
    stops = StopCommands()
    commands = [stops.new("stop", {}, 0, 0.0) for _ in range(3)]
    assert stops.clear() == commands
    assert stops.open() == []
