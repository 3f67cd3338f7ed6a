"""Every answer goes to its own request or to nobody, whatever is lost, late or overtaken."""

from __future__ import annotations

import heapq
import itertools
from concurrent.futures import Future
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mbot_nb.errors import (
    CommandTimeoutError,
    DeliveryUnknownError,
    MbotError,
    NotConnectedError,
    ProtocolError,
)
from mbot_nb.robots.serial.wire import f3, ff55
from mbot_nb.robots.serial.wire.dialects import (
    DeviceRequest,
    Dialect,
    F3Dialect,
    FF55Dialect,
    Notification,
    Request,
    ScriptRequest,
)
from mbot_nb.robots.serial.wire.exchange import FENCE_TIMEOUT, IDLE, SILENT_AFTER, Exchange, Job


def job(request: Request, **how: Any) -> Job:
    return Job(request, **{"timeout": 0.5, **how})


def sent(exchange: Exchange, now: float = 0.0) -> list[bytes]:
    return list(exchange.to_send(now))


def answer(number: int, value: Any) -> bytes:
    return f3.encode_script(f'{{"ret":{value!r}}}', number)


@pytest.fixture
def mbot2() -> Exchange:
    return Exchange(F3Dialect())


@pytest.fixture
def mbot() -> Exchange:
    return Exchange(FF55Dialect())


def test_answers_find_their_requests_in_any_order(mbot2: Exchange) -> None:
    jobs = [job(ScriptRequest(f"cyberpi.f({n})")) for n in range(3)]
    for each in jobs:
        mbot2.add(each)
    assert len(sent(mbot2)) == 3
    mbot2.receive(answer(3, "three") + answer(1, "one"), 0.1)
    assert [each.future.done() for each in jobs] == [True, False, True]
    mbot2.receive(answer(2, "two"), 0.1)
    assert [each.future.result(0) for each in jobs] == ["one", "two", "three"]
    assert mbot2.idle


def test_the_window_is_kept_and_a_stop_does_not_wait_for_it(mbot2: Exchange) -> None:
    for n in range(9):
        mbot2.add(job(ScriptRequest(f"cyberpi.f({n})")))
    assert len(sent(mbot2)) == F3Dialect.window
    stop = job(ScriptRequest("cyberpi.mbot2.EM_stop('all',)", f3.RUN_AT_ONCE), urgent=True)
    mbot2.add(stop)
    (frame,) = sent(mbot2)
    assert f3.Decoder().feed(frame) == [f3.Script(3, 5, b"cyberpi.mbot2.EM_stop('all',)")]
    mbot2.receive(answer(5, None), 0.1)
    assert stop.future.done()


def test_a_late_answer_is_for_nobody(mbot2: Exchange) -> None:
    first, second = job(ScriptRequest("cyberpi.f(1)")), job(ScriptRequest("cyberpi.f(2)"))
    mbot2.add(first)
    sent(mbot2)
    mbot2.tick(0.5)
    with pytest.raises(CommandTimeoutError, match="did not answer to"):
        first.future.result(0)
    mbot2.add(second)
    sent(mbot2, 0.5)
    mbot2.receive(answer(1, "late"), 0.6)
    assert not second.future.done()
    assert mbot2.late == 1
    mbot2.receive(answer(2, "mine"), 0.6)
    assert second.future.result(0) == "mine"


def test_what_may_be_sent_again_is(mbot2: Exchange) -> None:
    again = job(ScriptRequest("cyberpi.f(1)"), attempts=3)
    mbot2.add(again)
    for attempt in range(3):
        assert len(sent(mbot2, attempt * 0.5)) == 1
        mbot2.tick(attempt * 0.5 + 0.5)
    assert sent(mbot2, 2) == []
    with pytest.raises(CommandTimeoutError, match="3 times"):
        again.future.result(0)


def test_what_was_cancelled_before_it_was_sent_is_not_sent(mbot2: Exchange) -> None:
    mine = job(ScriptRequest("cyberpi.f(1)"))
    mbot2.add(mine)
    assert mine.future.cancel()
    assert sent(mbot2) == []
    assert mbot2.idle


def test_what_was_cancelled_later_still_takes_its_answer(mbot2: Exchange) -> None:
    mine, next_one = (
        job(ScriptRequest("cyberpi.f(1)", numbered=False)),
        job(ScriptRequest("cyberpi.f(2)", numbered=False)),
    )
    mbot2.add(mine)
    mbot2.add(next_one)
    assert len(sent(mbot2)) == 1
    mine.future.cancel()
    mbot2.receive(answer(0, "first"), 0.1)
    assert len(sent(mbot2)) == 1
    mbot2.receive(answer(0, "second"), 0.1)
    assert next_one.future.result(0) == "second"


def test_a_newer_one_of_the_same_slot_takes_the_place_of_one_that_waits(mbot: Exchange) -> None:
    first, *middle, last = (
        job(DeviceRequest(ff55.RUN, 8, bytes((n,))), slot="led") for n in range(5)
    )
    mbot.add(first)
    assert ff55.RequestDecoder().feed(b"".join(sent(mbot)))[0].data == b"\0"
    for each in (*middle, last):
        mbot.add(each)
    mbot.receive(ff55.encode_ack(), 0.1)
    assert ff55.RequestDecoder().feed(b"".join(sent(mbot)))[0].data == b"\4"
    assert not middle[0].future.done()
    mbot.receive(ff55.encode_ack(), 0.1)
    assert all(each.future.done() for each in (first, *middle, last))


def test_what_is_superseded_is_not_sent_again(mbot2: Exchange) -> None:
    """A motion that was lost must not be repeated behind the stop that came after it."""
    drive = job(ScriptRequest("cyberpi.mbot2.drive_speed(50, -50)"), slot="motors", attempts=5)
    stop = job(ScriptRequest("cyberpi.mbot2.EM_stop('all',)"), slot="motors", attempts=1)
    mbot2.add(drive)
    sent(mbot2)
    mbot2.add(stop)
    sent(mbot2, 0.1)
    mbot2.receive(answer(2, None), 0.2)
    mbot2.tick(0.6)
    assert sent(mbot2, 0.6) == []
    assert isinstance(drive.future.exception(0), CommandTimeoutError)


def test_a_late_acknowledgement_is_not_given_to_the_next_request(mbot: Exchange) -> None:
    first, second = job(DeviceRequest(ff55.RUN, 8, b"\1")), job(DeviceRequest(ff55.RUN, 8, b"\2"))
    mbot.add(first)
    mbot.add(second)
    assert len(sent(mbot)) == 1
    mbot.tick(0.5)
    (fence,) = sent(mbot, 0.5)
    (asked,) = ff55.RequestDecoder().feed(fence)
    assert (asked.action, asked.device) == (ff55.GET, 0)
    # The acknowledgement was only late: it comes before the fence's answer, and belongs to the
    # first.
    mbot.receive(ff55.encode_ack(), 0.6)
    assert not second.future.done()
    mbot.receive(ff55.encode_value(asked.number, ff55.TEXT, "06.01.107"), 0.6)
    assert first.future.result(0) is None
    assert len(sent(mbot, 0.6)) == 1
    assert not second.future.done()


def test_a_lost_acknowledgement_is_found_out_by_the_fence(mbot: Exchange) -> None:
    first = job(DeviceRequest(ff55.RUN, 8, b"\1"))
    mbot.add(first)
    sent(mbot)
    mbot.tick(0.5)
    (lost,) = sent(mbot, 0.5)
    mbot.tick(0.5 + FENCE_TIMEOUT)
    (fence,) = sent(mbot, 0.5 + FENCE_TIMEOUT)
    assert fence != lost, "a late answer to the first fence must not be taken for one to the second"
    (asked,) = ff55.RequestDecoder().feed(fence)
    mbot.receive(ff55.encode_value(asked.number, ff55.TEXT, "06.01.107"), 1.0)
    assert isinstance(first.future.exception(0), CommandTimeoutError)
    assert mbot.idle


def test_what_was_written_past_it_takes_no_command_s_acknowledgement(mbot: Exchange) -> None:
    mbot.require_fence()
    led = job(DeviceRequest(ff55.RUN, 8, b"\x07\x02\x00\x01\x01\x01"))
    mbot.add(led)
    (fence,) = sent(mbot)
    mbot.receive(ff55.encode_ack() * 2, 0.01)  # of two stops while it did not answer
    assert sent(mbot) == []
    mbot.receive(ff55.encode_value(fence[3], ff55.TEXT, "06.01.107"), 0.02)
    assert len(sent(mbot)) == 1
    assert not led.future.done()
    mbot.receive(ff55.encode_ack(), 0.03)
    assert led.future.done()
    assert mbot.idle


@pytest.mark.parametrize(
    ("acks", "expected"), [(2, (None, None)), (1, (DeliveryUnknownError, DeliveryUnknownError))]
)
def test_a_stop_that_overtakes_is_told_apart_by_a_fence(
    mbot: Exchange, acks: int, expected: tuple[Any, Any]
) -> None:
    led, stop = (
        job(DeviceRequest(ff55.RUN, 8, b"\1")),
        job(DeviceRequest(ff55.RUN, 5, bytes(4)), urgent=True),
    )
    mbot.add(led)
    sent(mbot)
    mbot.add(stop)
    stop_frame, fence = sent(mbot)
    assert stop_frame.endswith(bytes(4))
    (asked,) = ff55.RequestDecoder().feed(fence)
    mbot.receive(
        ff55.encode_ack() * acks + ff55.encode_value(asked.number, ff55.TEXT, "06.01.107"), 0.1
    )
    for each, error in zip((led, stop), expected, strict=True):
        found = each.future.exception(0)
        assert found is None if error is None else isinstance(found, error)


def test_a_stop_that_a_deaf_robot_did_not_hear_is_sent_again_as_soon_as_it_hears(
    mbot: Exchange,
) -> None:
    """An mBot in a tone hears neither the stop nor the fence behind it."""
    tone, stop = (
        job(DeviceRequest(ff55.RUN, 34, b"tone")),
        job(DeviceRequest(ff55.RUN, 5, bytes(4)), urgent=True, attempts=3),
    )
    mbot.add(tone)
    sent(mbot)
    mbot.add(stop)
    assert len(sent(mbot)) == 2
    mbot.receive(ff55.encode_ack(), 0.2)  # of the tone: it is over
    again, fence = sent(mbot, 0.2)
    assert again.endswith(bytes(4))
    assert sent(mbot, 0.2) == []
    mbot.receive(ff55.encode_ack() + ff55.encode_value(fence[3], ff55.TEXT, "06.01.107"), 0.21)
    assert stop.future.result(0) is None
    assert isinstance(tone.future.exception(0), DeliveryUnknownError), (
        "it may be the stop that was acknowledged twice"
    )
    assert mbot.idle


def test_a_cut_ends_everything_and_says_what_may_have_happened(mbot2: Exchange) -> None:
    jobs = [job(ScriptRequest(f"cyberpi.f({n})")) for n in range(F3Dialect.window + 2)]
    for each in jobs:
        mbot2.add(each)
    sent(mbot2)
    mbot2.fail_all("the cable was pulled")
    errors = [each.future.exception(0) for each in jobs]
    assert [type(error) for error in errors] == [DeliveryUnknownError] * F3Dialect.window + [
        NotConnectedError
    ] * 2
    assert all("the cable was pulled" in str(error) for error in errors)
    assert mbot2.idle


def test_an_error_of_the_robot_ends_the_request_that_caused_it(mbot2: Exchange) -> None:
    wrong, right = job(ScriptRequest("cyberpi.nonsense()")), job(ScriptRequest("cyberpi.get_bri()"))
    mbot2.add(wrong)
    mbot2.add(right)
    sent(mbot2)
    mbot2.receive(f3.encode_script('{"err": "NameError"}', 1) + answer(2, 75), 0.1)
    with pytest.raises(ProtocolError, match=r"nonsense.*NameError"):
        wrong.future.result(0)
    assert right.future.result(0) == 75


def test_silence_is_noticed_and_ends_with_the_next_frame(mbot2: Exchange) -> None:
    for n in range(SILENT_AFTER):
        assert not mbot2.silent
        mbot2.add(job(ScriptRequest("cyberpi.get_bri()")))
        sent(mbot2, n)
        mbot2.tick(n + 0.5)
    assert mbot2.silent
    assert mbot2.receive(f3.encode_push("{2: 75}"), 9) == [Notification({2: 75})]
    assert not mbot2.silent


def test_the_beginning_of_a_frame_that_never_ends_is_given_up(mbot2: Exchange) -> None:
    mine = job(ScriptRequest("cyberpi.get_bri()"), timeout=9)
    mbot2.add(mine)
    sent(mbot2)
    mbot2.receive(f3.encode_push("x" * 200)[:4] + answer(1, 75), 1.0)
    assert not mine.future.done()
    assert mbot2.deadline == 1.0 + IDLE
    mbot2.tick(1.0 + IDLE)
    assert mine.future.result(0) == 75


class Robot:
    """Answers in the order of the requests, later than it should, and not to all of them."""

    def __init__(self, dialect: Dialect, fates: list[tuple[str, float]]) -> None:
        self.mbot2 = isinstance(dialect, F3Dialect)
        self.decoder: Any = f3.Decoder() if self.mbot2 else ff55.RequestDecoder()
        self.fates = itertools.chain(fates, itertools.repeat(("answer", 0.01)))
        self.free_at = 0.0
        self.order = itertools.count()
        self.out: list[tuple[float, int, bytes]] = []
        self.ran: list[bytes] = []

    def receive(self, data: bytes, now: float) -> None:
        for request in self.decoder.feed(data):
            fate, seconds = next(self.fates)
            if fate == "lost":
                continue
            self.free_at = max(self.free_at, now) + seconds
            if fate == "answer":
                heapq.heappush(self.out, (self.free_at, next(self.order), self.reply(request)))
            self.ran.append(request.text if self.mbot2 else request.data)

    def reply(self, request: Any) -> bytes:
        if self.mbot2:
            return f3.encode_script(f'{{"ret":{request.text.decode()!r}}}', request.number)
        if request.action != ff55.GET:
            return ff55.encode_ack()
        return ff55.encode_value(request.number, ff55.TEXT, request.data.decode())


fates = st.lists(
    st.tuples(
        st.sampled_from(["answer", "answer", "answer", "lost", "mute"]), st.floats(0.001, 1.5)
    ),
    max_size=40,
)


def live(exchange: Exchange, robot: Robot, jobs: list[tuple[float, Job]]) -> float:
    """Until every job has ended; returns when that was."""
    coming = sorted(jobs, key=lambda item: item[0])
    now = 0.0
    for _ in range(10_000):
        for frame in exchange.to_send(now):
            robot.receive(frame, now)
        if not coming and exchange.idle:
            return now
        now = min(
            [exchange.deadline, *(at for at, _ in coming[:1]), *(at for at, _, _ in robot.out[:1])]
        )
        while coming and coming[0][0] <= now:
            exchange.add(coming.pop(0)[1])
        while robot.out and robot.out[0][0] <= now:
            exchange.receive(heapq.heappop(robot.out)[2], now)
        if exchange.deadline <= now:
            exchange.tick(now)
    raise AssertionError("some request never ends")


@given(
    fates=fates,
    asked=st.lists(
        st.tuples(st.floats(0, 5), st.booleans(), st.booleans(), st.integers(1, 3)),
        min_size=1,
        max_size=15,
    ),
)
def test_no_answer_goes_to_the_wrong_request_of_an_mbot2(
    fates: list[tuple[str, float]], asked: list[tuple[float, bool, bool, int]]
) -> None:
    exchange = Exchange(F3Dialect())
    robot = Robot(exchange.dialect, fates)
    jobs = [
        (at, job(ScriptRequest(f"f({n})", numbered=numbered), urgent=urgent, attempts=attempts))
        for n, (at, numbered, urgent, attempts) in enumerate(asked)
    ]
    live(exchange, robot, jobs)
    for n, (_, each) in enumerate(jobs):
        error = each.future.exception(0)
        if error is None:
            assert each.future.result(0) == f"f({n})"
        else:
            assert isinstance(error, MbotError)


calls = st.tuples(
    st.floats(0, 5), st.sampled_from([ff55.GET, ff55.RUN]), st.booleans(), st.integers(1, 3)
)


@given(fates=fates, asked=st.lists(calls, min_size=1, max_size=15))
def test_what_an_mbot_is_said_to_have_done_it_has_done(
    fates: list[tuple[str, float]], asked: list[tuple[float, int, bool, int]]
) -> None:
    exchange = Exchange(FF55Dialect())
    robot = Robot(exchange.dialect, fates)
    jobs = [
        (at, job(DeviceRequest(action, 9, f"job {n}".encode()), urgent=urgent, attempts=attempts))
        for n, (at, action, urgent, attempts) in enumerate(asked)
    ]
    live(exchange, robot, jobs)
    for n, (_, each) in enumerate(jobs):
        error = each.future.exception(0)
        assert error is None or isinstance(error, MbotError)
        if error is None:
            assert f"job {n}".encode() in robot.ran
            assert each.future.result(0) in (None, f"job {n}")
            if each.request[0] == ff55.GET:
                assert each.future.result(0) == f"job {n}"


def test_a_finished_future_is_left_alone() -> None:
    mine = job(ScriptRequest("f()"))
    follower: Future[Any] = Future()
    mine.followers.append(follower)
    mine.future.cancel()
    mine.finish(7)
    assert follower.result(0) == 7
