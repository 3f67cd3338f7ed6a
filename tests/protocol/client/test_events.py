"""What a session tells."""

from __future__ import annotations

from mbot_nb.protocol.client.events import RoundTrip, StateChanged
from mbot_nb.protocol.mirror import StateStore


def test_a_round_trip_is_the_difference_of_two_readings_of_one_clock() -> None:
    assert RoundTrip(id=1, sent=10.0, received=10.25).seconds == 0.25


class TestWhatHasChanged:
    def test_one_field_of_a_delta_or_several(self) -> None:
        store = StateStore({"pose": {"x": 1.0, "y": 2.0}, "mood": "calm"})
        for state, fields in (
            ({"pose": {"x": 3.0, "y": 2.0}, "mood": "calm"}, ["pose.x"]),
            ({"pose": {"x": 4.0, "y": 5.0}}, ["pose.x", "pose.y", "mood"]),
        ):
            payload = store.update(state)
            assert payload is not None
            assert StateChanged(0.0, "delta", payload, store.revision).fields == fields

    def test_all_sections_of_a_snapshot(self) -> None:
        payload = StateStore({"pose": {"x": 1.0}, "mood": "calm"}).snapshot()
        assert StateChanged(0.0, "snapshot", payload, 1).fields == ["pose", "mood"]
