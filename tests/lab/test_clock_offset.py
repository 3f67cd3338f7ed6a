"""The offset between two clocks is within its error of the truth, also where both ways differ."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mbot_nb.lab.clock_offset import SAME_CLOCK, ClockReadings, estimate
from mbot_nb.protocol.client.events import ConnectionChanged, RoundTrip
from mbot_nb.protocol.heartbeat import ClockOffset


@given(
    st.lists(
        st.tuples(st.floats(0.001, 0.5), st.floats(0.001, 0.5), st.floats(0, 1)),
        min_size=1,
        max_size=40,
    ),
    st.floats(-1e4, 1e4),
    st.floats(-9e-5, 9e-5),
)
def test_the_truth_is_within_the_error(
    trips: list[tuple[float, float, float]], offset: float, drift: float
) -> None:
    sent = np.cumsum([pause for _, _, pause in trips])
    there, back = np.array([(up, down) for up, down, _ in trips]).T
    server = (sent + there) * (1 + drift) + offset
    found = estimate(sent, sent + there + back, server)
    assert found is not None
    truth = found.at * drift + offset
    assert abs(found.seconds - truth) <= found.error + 1e-9
    # The narrower of what single pings tell cannot be better.
    single = (there + back).min() / 2
    assert found.error <= single + (sent[-1] - sent[0] + 1) * ClockOffset.DRIFT + 1e-6


def test_many_pings_bound_it_by_the_shortest_way_in_each_direction() -> None:
    found = estimate(
        [0.0, 1.0], [0.11, 1.11], [50.01, 51.1]
    )  # 10 ms there and 100 back, then 100 there and 10 back
    assert found is not None
    assert abs(found.seconds - 50) <= found.error < 0.0103


def test_clocks_that_contradict_themselves_tell_nothing() -> None:
    assert estimate([0.0, 1.0], [0.01, 1.01], [50.0, 60.0]) is None
    assert estimate([], [], []) is None


def test_the_error_grows_with_the_distance_in_time() -> None:
    found = estimate([0.0], [0.02], [10.0])
    assert found is not None
    far, near = found.error_at([found.at + 1000, found.at])
    assert far == near + 1000 * ClockOffset.DRIFT
    assert list(SAME_CLOCK.error_at([0.0, 1e6])) == [0.0, 0.0]


def test_readings_end_when_another_server_answers() -> None:
    clock = ClockReadings()
    clock.add(RoundTrip(1, 2.0, 2.02, 7.0))
    clock.add(RoundTrip(2, 3.0, 3.02))
    clock.add(ConnectionChanged(3.5, "reconnecting", "connected", 1, None, None, None))
    clock.add(ConnectionChanged(4.0, "connected", "reconnecting", 1, None, None, True))
    clock.add(RoundTrip(3, 5.0, 5.02, 10.0))
    clock.add(ConnectionChanged(6.0, "connected", "reconnecting", 1, None, None, False))
    clock.add(RoundTrip(4, 7.0, 7.02, 900.0))
    assert clock.readings == [(2.0, 2.02, 7.0), (5.0, 5.02, 10.0)]
    assert clock.estimate() == estimate([2.0, 5.0], [2.02, 5.02], [7.0, 10.0])
