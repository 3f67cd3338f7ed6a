"""Is the other side there, and what does its clock say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mbot_nb.protocol.heartbeat import ClockOffset, Heartbeat, PeerTimeout
from mbot_nb.protocol.settings import Settings


def heartbeat() -> Heartbeat:
    return Heartbeat(Settings(), now=0.0)


class TestPeerTimeout:
    def test_dead_after_the_limit(self) -> None:
        timeout = PeerTimeout(limit=60, stall=0.5, grace=5, now=0.0)
        assert not timeout.has_expired(59.9)
        assert timeout.has_expired(60.0)

    def test_every_sign_of_life_counts_anew(self) -> None:
        timeout = PeerTimeout(limit=60, stall=0.5, grace=5, now=0.0)
        timeout.note_activity(59.0)
        assert not timeout.has_expired(118.9)
        assert timeout.has_expired(119.0)

    def test_a_late_look_hears_the_peer_before_it_judges(self) -> None:
        timeout = PeerTimeout(limit=60, stall=0.5, grace=5, now=0.0)
        assert not timeout.has_expired(75.0)
        assert timeout.deadline == 80.0
        assert timeout.has_expired(80.0)

    @given(st.lists(st.floats(0.01, 200), max_size=20))
    def test_after_each_look_there_is_a_verdict_or_a_later_time_to_look(
        self, passed: list[float]
    ) -> None:
        timeout = PeerTimeout(limit=60, stall=0.5, grace=5, now=0.0)
        now = 0.0
        for seconds in passed:
            now += seconds
            assert timeout.has_expired(now) or timeout.deadline > now


class TestHeartbeat:
    def test_pings_every_ten_seconds(self) -> None:
        beat = heartbeat()
        assert beat.next_deadline() == 0.0
        assert beat.ping(0.0) == 1
        beat.pong(1, 0.1)
        assert beat.next_deadline() == 10.0

    def test_a_pong_meets_its_own_ping(self) -> None:
        beat = heartbeat()
        first, second = beat.ping(1.0), beat.ping(2.0)
        assert beat.pong(second, 2.5) == (2.0, 0.5)
        assert beat.pong(first, 3.0) == (1.0, 2.0)
        assert beat.pong(first, 3.0) is None

    @pytest.mark.parametrize("id", [None, "1", True, 1.0, 7, [1]])
    def test_a_strangers_pong_measures_nothing(self, id: object) -> None:
        beat = heartbeat()
        beat.ping(0.0)
        assert beat.pong(id, 1.0) is None
        assert beat.pong(1, 2.0) == (0.0, 2.0)

    def test_no_answer_within_five_seconds_is_dead(self) -> None:
        beat = heartbeat()
        beat.ping(0.0)
        assert beat.next_deadline() == 5.0
        assert not beat.has_timed_out(4.9)
        assert beat.has_timed_out(5.0)

    def test_any_frame_proves_life_and_counting_begins_anew(self) -> None:
        beat = heartbeat()
        beat.ping(0.0)
        beat.note_activity(4.0)
        assert not beat.has_timed_out(8.9)
        assert beat.has_timed_out(9.0)

    def test_an_answered_ping_leaves_nothing_to_wait_for(self) -> None:
        """A server that answers and then has nothing to say is not dead."""
        beat = heartbeat()
        beat.ping(0.0)
        beat.note_activity(0.1)
        beat.pong(1, 0.1)
        assert not beat.has_timed_out(9.9)
        assert beat.next_deadline() == 10.0

    def test_one_of_two_answers_is_not_both(self) -> None:
        beat = heartbeat()
        beat.ping(0.0)
        beat.ping(1.0)
        beat.note_activity(2.0)
        beat.pong(2, 2.0)
        assert beat.has_timed_out(7.0)

    def test_a_pong_without_the_id_is_an_answer_all_the_same(self) -> None:
        beat = heartbeat()
        beat.ping(0.0)
        beat.note_activity(0.1)
        beat.pong(None, 0.1)
        assert not beat.has_timed_out(9.9)

    def test_a_blocked_kernel_is_no_dead_link(self) -> None:
        beat = heartbeat()
        beat.ping(0.0)
        assert not beat.has_timed_out(8.0)
        assert beat.next_deadline() == 10.0
        beat.ping(10.0)
        assert beat.has_timed_out(13.0)

    def test_pings_that_are_never_answered_are_not_kept_for_ever(self) -> None:
        beat = heartbeat()
        beat.ping(0.0)
        beat.ping(30.0)
        beat.ping(Heartbeat.MEMORY + 1)
        assert beat.pong(1, 62.0) is None
        assert beat.pong(2, 62.0) == (30.0, 32.0)

    def test_an_awaited_ping_is_answered_or_given_up_once(self) -> None:
        beat = heartbeat()
        unheard, answered, later = (
            beat.ping(0.0, awaited=True),
            beat.ping(0.5, awaited=True),
            beat.ping(2.0, awaited=True),
        )
        beat.ping(0.1)
        beat.pong(answered, 0.7)
        beat.note_activity(4.0)
        assert beat.next_deadline() == 5.0
        assert beat.expire_pings(4.9) == []
        assert beat.expire_pings(5.0) == [(unheard, 0.0)]
        assert beat.expire_pings(5.0) == []
        assert beat.expire_pings(7.0) == [(later, 2.0)]
        assert beat.pong(unheard, 7.1) == (0.0, 7.1), "it measures all the same"

    def test_a_late_look_reads_what_has_come_before_it_gives_a_ping_up(self) -> None:
        beat = heartbeat()
        beat.ping(0.0, awaited=True)
        assert beat.expire_pings(8.0) == []
        assert beat.expire_pings(12.9) == []
        assert beat.expire_pings(13.0) == [(1, 0.0)]


class TestClockOffset:
    def test_nothing_is_known_before_the_first_pong(self) -> None:
        assert ClockOffset().latest(5.0) is None

    def test_the_shortest_round_trip_knows_best(self) -> None:
        clock = ClockOffset()
        clock.observe(0.0, 0.2, 1000.1)
        clock.observe(1.0, 1.002, 1001.0)
        assert clock.bound(1.002) == pytest.approx(0.001)
        clock.observe(2.0, 3.0, 1002.9)
        assert clock.bound(3.0) == pytest.approx(0.001 + ClockOffset.DRIFT * (3.0 - 1.002))

    @given(
        offset=st.floats(-1e6, 1e6),
        drift=st.floats(-0.9, 0.9),
        trips=st.lists(
            st.tuples(st.floats(0, 2000), st.floats(0, 2), st.floats(0, 2)), min_size=1, max_size=20
        ),
        later=st.floats(0, 1e4),
    )
    def test_the_servers_clock_is_within_the_bound(
        self, offset: float, drift: float, trips: list[tuple[float, float, float]], later: float
    ) -> None:
        """However long the ways there and back take, and as far as quartzes drift apart."""

        def server(now: float) -> float:
            return offset + now * (1 + drift * ClockOffset.DRIFT)

        clock = ClockOffset()
        now = 0.0
        for pause, there, back in trips:
            sent = now + pause
            now = sent + there + back
            clock.observe(sent, now, server(sent + there))
        now += later
        latest = clock.latest(now)
        assert latest is not None
        slack = 1e-6 + 4 * ClockOffset.DRIFT  # it drifts during the round trip itself, too
        assert latest - 2 * clock.bound(now) - slack <= server(now) <= latest + slack
