"""What the two robots are asked, and what their frames mean."""

from __future__ import annotations

import pytest

from mbot_nb.errors import ProtocolError
from mbot_nb.robots.serial.wire import f3, ff55
from mbot_nb.robots.serial.wire.dialects import (
    Answer,
    DeviceRequest,
    Dialect,
    F3Dialect,
    FF55Dialect,
    Notification,
    ScriptRequest,
)


def test_an_mbot2_answers_with_the_number_of_the_script() -> None:
    dialect = F3Dialect()
    assert dialect.numbered(ScriptRequest("a()"))
    assert not dialect.numbered(ScriptRequest("subscribe()", numbered=False))
    assert dialect.feed(f3.encode_script('{"ret":1.5}', 7)) == [Answer(7, 1.5)]
    (answer,) = dialect.feed(f3.encode_script('{"err":"NameError"}', 8))
    assert isinstance(answer, Answer)
    assert isinstance(answer.value, ProtocolError)


def test_an_unnumbered_script_is_sent_with_number_0() -> None:
    assert F3Dialect().encode(ScriptRequest("a()", numbered=False), 9) == f3.encode_script("a()", 0)


def test_what_an_mbot2_pushes_is_a_notification_and_what_makes_no_sense_is_noise() -> None:
    dialect = F3Dialect()
    assert dialect.feed(f3.encode_push('{"3":1}')) == [Notification({3: 1})]
    assert dialect.feed(f3.encode_push("nonsense")) == []
    assert dialect.decoder.skipped == len("nonsense")


def test_an_mbot_numbers_the_answers_to_gets_alone() -> None:
    dialect = FF55Dialect()
    assert dialect.numbered(DeviceRequest(ff55.GET, 1))
    assert not dialect.numbered(DeviceRequest(ff55.RUN, 1))
    assert dialect.feed(ff55.encode_ack()) == [Answer(None, None)]
    assert dialect.feed(ff55.encode_value(9, 2, 1.5)) == [Answer(9, 1.5)]
    assert dialect.feed(ff55.encode_nothing(9)) == [Answer(9, None)]


def test_the_button_of_an_mbot_is_a_notification() -> None:
    assert FF55Dialect().feed(ff55.encode_value(ff55.BUTTON, 1, 1)) == [
        Notification({ff55.BUTTON: 1})
    ]


@pytest.mark.parametrize(("dialect", "least"), [(F3Dialect, 1000), (FF55Dialect, 100)])
def test_numbers_come_again_as_late_as_possible(dialect: type[Dialect], least: int) -> None:
    one = dialect()
    numbers = [one.next_number() for _ in range(least)]
    assert len(set(numbers)) == least
    assert 0 not in numbers


def test_an_mbot_s_numbers_are_none_of_those_that_frames_are_made_of() -> None:
    dialect = FF55Dialect()
    numbers = {dialect.next_number() for _ in range(1000)}
    assert numbers.isdisjoint({0, 0x0A, 0x0D, 0x55, ff55.BUTTON})


def test_a_restart_is_known_by_what_the_robot_writes() -> None:
    assert F3Dialect().rebooted(b"ets Jul 29 2019 12:21:46\r\nrst:0x1 (POWERON_RESET)\r\n")
    assert not F3Dialect().rebooted(b"\xf3\x01 half of a spoilt frame without its end \xf4")
    assert FF55Dialect().rebooted(b"\r\nVersion: 06.01.107\r\n")
    assert not FF55Dialect().rebooted(b"\xff\x55\x00")
