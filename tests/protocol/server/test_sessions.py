"""What a server remembers of a client beyond its connections."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mbot_nb.protocol.server.sessions import (
    ANSWERS_KEPT,
    SKIPPED_KEPT,
    ServerSession,
    SessionQuery,
    Sessions,
    SessionState,
)
from mbot_nb.protocol.settings import MAX_INTEGER, Settings


def sessions(**settings: int) -> Sessions:
    count = iter(range(1, 10**6))
    return Sessions(Settings(**settings), lambda: f"epoch-{next(count)}")  # type: ignore[arg-type]


def query(id: str = "a" * 32, epoch: str = "", last: int = 0, attempt: int = 1) -> SessionQuery:
    return SessionQuery(id, epoch, last, attempt)


def detached(all: Sessions, id: str, at: float) -> ServerSession:
    session, _ = all.open(query(id), baseline=False, now=at)
    session.transition("attach")
    session.transition("detach")
    session.detached_at = at
    return session


class TestQuery:
    def test_as_a_client_says_it(self) -> None:
        said = {"session": "f" * 32, "epoch": "e", "last": "7", "attempt": "3"}
        assert SessionQuery.parse(said) == SessionQuery("f" * 32, "e", 7, 3)

    @pytest.mark.parametrize(
        "id", ["", "short", "x" * 129, "with spaces in it", "../../../etc/passwd", "ümläut-session"]
    )
    def test_without_a_usable_session(self, id: str) -> None:
        assert SessionQuery.parse({"session": id}) is None
        assert SessionQuery.parse({}) is None

    @pytest.mark.parametrize(
        ("said", "read"),
        [
            ("0", 0),
            (str(MAX_INTEGER), MAX_INTEGER),
            ("-1", 0),
            ("1.5", 0),
            ("", 0),
            ("٣", 0),
            ("9" * 17, 0),
            ("1e3", 0),
        ],
    )
    def test_numbers(self, said: str, read: int) -> None:
        parsed = SessionQuery.parse({"session": "f" * 32, "last": said})
        assert parsed is not None
        assert (parsed.last, parsed.attempt) == (read, 0)

    def test_an_epoch_is_not_taken_at_any_length(self) -> None:
        parsed = SessionQuery.parse({"session": "f" * 32, "epoch": "e" * 1000})
        assert parsed is not None
        assert len(parsed.epoch) == 128


class TestOpening:
    def test_the_same_epoch_resumes(self) -> None:
        all = sessions()
        first, resumed = all.open(query(), baseline=False, now=0.0)
        assert not resumed
        first.record(b"x", 0)
        assert all.open(query(epoch=first.epoch, last=1, attempt=2), baseline=False, now=1.0) == (
            first,
            True,
        )
        assert first.attempt == 2

    @pytest.mark.parametrize(("epoch", "last"), [("", 0), ("other", 0), ("epoch-1", 1)])
    def test_another_epoch_or_more_than_was_sent_does_not(self, epoch: str, last: int) -> None:
        all = sessions()
        first, _ = all.open(query(), baseline=False, now=0.0)
        second, resumed = all.open(
            query(epoch=epoch, last=last, attempt=2), baseline=False, now=1.0
        )
        assert not resumed
        assert second is not first
        assert second.epoch != first.epoch
        assert all.get(first.id or "") is second
        all.end(first)  # the old one's end is not the new one's
        assert all.get(first.id or "") is second

    def test_baseline_clients_and_those_without_an_id_are_not_remembered(self) -> None:
        all = sessions()
        for session, resumed in (
            all.open(query(), baseline=True, now=0.0),
            all.open(None, baseline=False, now=0.0),
        ):
            assert (session.id, resumed) == (None, False)
            all.end(session)
            assert session.state is SessionState.ENDED
        assert len(all) == 0


class TestForgetting:
    def test_after_a_minute(self) -> None:
        all = sessions()
        session = detached(all, "a" * 32, at=10.0)
        all.expire(69.9)
        assert all.next_deadline() == 70.0
        assert all.detached() == [session]
        all.expire(70.0)
        assert (len(all), all.next_deadline(), session.state) == (0, None, SessionState.ENDED)

    def test_at_most_256_and_the_longest_detached_first(self) -> None:
        all = sessions()
        kept = [
            detached(all, f"session-{number:03}", at=1000.0 - number / 10) for number in range(258)
        ]
        attached, _ = all.open(query("attached"), baseline=False, now=0.0)
        attached.transition("attach")
        all.expire(1000.0)
        assert len(all) == 257
        assert [session for session in kept if session.state is SessionState.ENDED] == kept[256:]
        assert all.get("attached") is attached

    def test_one_that_is_attached_stays(self) -> None:
        all = sessions()
        session, _ = all.open(query(), baseline=False, now=0.0)
        session.transition("attach")
        all.expire(10**6)
        assert all.get("a" * 32) is session
        assert all.next_deadline() is None

    def test_what_cannot_happen_is_a_bug(self) -> None:
        session, _ = sessions().open(query(), baseline=False, now=0.0)
        session.transition("end")
        with pytest.raises(KeyError):
            session.transition("attach")


class TestEvents:
    def session(
        self, *, attached: bool, id: str | None = "a" * 32, **settings: int
    ) -> ServerSession:
        session = ServerSession(
            id,
            "e",
            Settings(**settings),  # type: ignore[arg-type]
            number=1,
            baseline=False,
            created=0.0,
        )
        if attached:
            session.transition("attach")
        return session

    def test_the_last_1024_are_kept_while_the_client_is_away(self) -> None:
        session = self.session(attached=False)
        for _ in range(1030):
            session.record(b"x", 0)
        assert (session.first_event, session.last_event) == (7, 1030)

    def test_and_at_most_a_mebibyte_of_them(self) -> None:
        session = self.session(attached=False)
        for _ in range(5):
            session.record(b"x" * 300_000, 0)
        assert session.first_event == 3
        session.record(b"x" * 2**21, 0)
        assert (session.first_event, session.last_event) == (7, 6)

    def test_what_the_connection_has_not_been_given_is_kept_beyond_that(self) -> None:
        session = self.session(attached=True, replay_messages=3)
        for _ in range(10):
            session.record(b"xx", 0)
        assert (session.first_event, session.unsent_bytes) == (1, 20)
        assert [session.next_unsent() for _ in range(2)] == [(1, b"xx", 0), (2, b"xx", 0)]
        session.record(b"yy", 0)
        assert session.first_event == 3

    def test_without_a_session_nothing_is_kept_that_was_sent(self) -> None:
        session = self.session(attached=True, id=None)
        for number in range(1, 5):
            session.record(b"x", 0)
            assert session.next_unsent() == (number, b"x", 0)
        assert len(session.events) == 1
        assert session.next_unsent() is None

    @given(
        st.lists(st.integers(1, 50), max_size=40),
        st.integers(0, 45),
        st.integers(1, 10),
        st.integers(1, 300),
    )
    def test_what_is_replayed_is_all_that_is_kept_above_the_last_delivered(
        self, sizes: list[int], last: int, messages: int, nbytes: int
    ) -> None:
        session = self.session(attached=False, replay_messages=messages, replay_bytes=nbytes)
        for size in sizes:
            session.record(b"x" * size, 0)
        kept = sizes[session.first_event - 1 :]
        assert len(kept) <= messages
        assert sum(kept) <= nbytes
        last = min(last, len(sizes))
        session.rewind(last)
        first = max(last + 1, session.first_event)
        assert session.unsent_bytes == sum(sizes[first - 1 :])
        numbers = []
        while (event := session.next_unsent()) is not None:
            numbers.append(event[0])
            assert len(event[1]) == sizes[event[0] - 1]
        assert numbers == list(range(first, len(sizes) + 1))
        assert session.unsent_bytes == 0


def test_an_answer_is_given_again_after_a_cut_only() -> None:
    session = ServerSession("a" * 32, "e", Settings(), number=1, baseline=False, created=0.0)
    session.remember_answer("id", b"first")
    assert session.answer_before_cut("id") is None
    session.cuts += 1
    assert session.answer_before_cut("id") == b"first"
    assert session.answer_before_cut("other") is None
    session.remember_answer("id", b"second")
    assert session.answer_before_cut("id") is None


def test_what_is_remembered_is_bounded() -> None:
    session = ServerSession("a" * 32, "e", Settings(), number=1, baseline=False, created=0.0)
    for number in range(ANSWERS_KEPT + 1):
        session.remember_answer(number, b"x")
    session.cuts += 1
    assert session.answer_before_cut(0) is None
    assert session.answer_before_cut(1) == b"x"
    session.skipped.extend((number, number) for number in range(2 * SKIPPED_KEPT))
    assert len(session.skipped) == SKIPPED_KEPT
