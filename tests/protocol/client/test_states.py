"""The client's state machine leads everywhere it should, and out of nowhere it should not."""

from __future__ import annotations

from mbot_nb.protocol.client.states import STATE_NAMES, TRANSITIONS, ClientCounters, ClientState


def test_every_state_has_a_name_and_can_be_closed() -> None:
    assert set(STATE_NAMES) == set(ClientState)
    for state in ClientState:
        assert TRANSITIONS[state, "close"] is ClientState.CLOSED


def test_every_state_is_reached_from_the_first() -> None:
    reached = {ClientState.IDLE}
    while (
        more := {after for (before, _), after in TRANSITIONS.items() if before in reached} - reached
    ):
        reached |= more
    assert reached == set(ClientState)


def test_a_closed_client_stays_closed_and_a_failed_one_can_try_again() -> None:
    assert {
        after for (before, _), after in TRANSITIONS.items() if before is ClientState.CLOSED
    } == {ClientState.CLOSED}
    assert TRANSITIONS[ClientState.FAILED, "dial"] is ClientState.DIALLING


def test_only_a_snapshot_makes_it_connected() -> None:
    ways = [key for key, after in TRANSITIONS.items() if after is ClientState.CONNECTED]
    assert ways == [(ClientState.SYNCHRONISING, "snapshot")]


def test_counters_begin_at_0_and_are_told_by_name() -> None:
    counters = ClientCounters()
    counters.frames_in += 2
    told = counters.as_dict()
    assert told.pop("frames_in") == 2
    assert set(told.values()) == {0}
    told["gaps"] = 7
    assert counters.gaps == 0, "what is told is a copy"
