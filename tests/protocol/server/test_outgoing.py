"""What leaves a connection of the server: a portion at a time, as far as its client reads."""

from __future__ import annotations

import pytest

from mbot_nb.protocol.server.outgoing import PORTION
from mbot_nb.protocol.settings import MIB
from tests.helpers.protocol.counterparts import Desk, Peer, read

TEXT = "x" * 10_000


def resumed(desk: Desk, events: int) -> Peer:
    """A client that comes back, and has missed so many events."""
    first = desk.connect()
    epoch = first.session.epoch
    first.cut()
    for n in range(events):
        desk.hub.emit("news", [n, TEXT], desk.now)
    return desk.connect(epoch=epoch, attempt=2)


def numbers(messages: list[dict[str, object]]) -> list[object]:
    return [message["sequence"] for message in messages if message["type"] == "event"]


def test_a_replay_is_handed_over_a_portion_at_a_time() -> None:
    desk = Desk()
    peer = resumed(desk, 100)
    outgoing = peer.connection.outgoing
    assert sum(map(len, outgoing.frames)) < PORTION + 12_000
    first, outgoing.frames = read(outgoing.frames), []
    outgoing.set_writable(False, desk.now)
    assert outgoing.waiting is True
    outgoing.pump(desk.now)
    assert outgoing.frames == [], "the reader has not read the first portion yet"
    pong = peer.say('{"version":2,"type":"ping","payload":{"id":1},"timestamp":0}')
    assert [message["type"] for message in pong] == ["pong"], (
        "before all that is still to be replayed"
    )
    outgoing.set_writable(True, desk.now)
    rest = peer.got()
    assert numbers(first + rest) == list(range(1, 101))
    assert outgoing.waiting is False


@pytest.mark.parametrize("missed", [0, 90])
def test_what_a_client_missed_before_it_came_does_not_make_it_a_slow_reader(missed: int) -> None:
    desk = Desk()
    peer = resumed(desk, missed)
    outgoing = peer.connection.outgoing
    outgoing.frames.clear()
    outgoing.set_writable(False, desk.now)
    for _ in range(MIB // len(TEXT) - 1):
        desk.hub.emit("news", [0, TEXT], desk.now)
    assert outgoing.close is None
    for _ in range(9):
        desk.hub.emit("news", [0, TEXT], desk.now)
    assert outgoing.close is not None
    assert outgoing.close.code == 4408


def test_a_baseline_client_gets_its_portions_too() -> None:
    desk = Desk()
    peer = desk.connect(extended=False, id=None)
    peer.got()
    outgoing = peer.connection.outgoing
    outgoing.set_writable(False, desk.now)
    for n in range(50):
        desk.hub.emit("news", [n, TEXT], desk.now)
    outgoing.set_writable(True, desk.now)
    assert sum(map(len, outgoing.frames)) < PORTION + 12_000
    assert numbers(peer.got()) == list(range(1, 51))
