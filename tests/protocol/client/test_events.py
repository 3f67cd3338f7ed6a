"""What a session tells."""

from __future__ import annotations

from mbot_nb.protocol.client.events import RoundTrip


def test_a_round_trip_is_the_difference_of_two_readings_of_one_clock() -> None:
    assert RoundTrip(id=1, sent=10.0, received=10.25).seconds == 0.25
