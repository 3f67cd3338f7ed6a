"""Commands on their way: the queue, the numbers, and the window of what is not acknowledged."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mbot_nb.errors import CommandExpiredError, CommandRejectedError, DeliveryUnknownError
from mbot_nb.protocol.client.outbox import Outbox, OutgoingCommand
from mbot_nb.protocol.settings import MAX_FRAME, Settings
from tests.helpers.protocol.counterparts import read


def outgoing(
    name: str = "note",
    now: float = 0.0,
    *,
    motion: bool = False,
    reply: bool = False,
    size: int = 0,
) -> OutgoingCommand:
    return OutgoingCommand(
        name,
        b'{"command":"%b","params":{"x":"%b"}}' % (name.encode(), b"x" * size),
        now,
        motion,
        reply,
    )


def never(now: float, remaining: float) -> None:
    """The server's clock is not known."""


def flush(box: Outbox, now: float = 0.0, expiry: Any = never) -> list[dict[str, Any]]:
    sent = box.flush(now, 5, "flush", expiry)
    return [] if sent is None else read([sent.frame])


def sent(box: Outbox, *commands: OutgoingCommand) -> None:
    for command in commands:
        box.add(command, 0.0)
    flush(box)


def test_numbers_are_given_when_it_is_sent() -> None:
    box = Outbox(Settings())
    one, two = outgoing(), outgoing("other")
    box.add(one, 0.0)
    box.add(two, 0.0)
    assert one.sequence is None
    messages = flush(box, now=1.5)
    assert [(message["sequence"], message["payload"]["command"]) for message in messages] == [
        (1, "note"),
        (2, "other"),
    ]
    assert (one.sent_at, two.sequence, box.next_sequence) == (1.5, 2, 3)
    assert flush(box) == []
    assert repr(one) == "<note #1: under way>"
    assert repr(outgoing()) == "<note: under way>"


def test_what_is_acknowledged_is_delivered_unless_an_answer_is_awaited() -> None:
    box = Outbox(Settings())
    plain, awaited, last = outgoing(), outgoing(reply=True), outgoing()
    sent(box, plain, awaited, last)
    assert box.acknowledge(0, 1.0) == []
    assert box.acknowledge(2, 1.0) == [plain]
    assert (plain.outcome, awaited.outcome, awaited.acknowledged_at) == ("delivered", None, 1.0)
    assert box.acknowledge(2, 2.0) == []
    assert box.acknowledge(3, 2.0) == [last]
    assert box.acknowledge(9, 2.0) == []
    assert box.held_bytes == 0


def test_an_answer_finds_its_command_however_many_came_after_it() -> None:
    """A motion of ten seconds is answered in the end, and thousands may have been sent
    meanwhile."""
    box = Outbox(Settings())
    long = outgoing("drive", reply=True)
    sent(box, long)
    box.acknowledge(1, 0.0)
    for _ in range(2 * Outbox.RECENT):
        sent(box, outgoing())
    box.acknowledge(10**6, 0.0)
    assert box.find(1) is long
    box.mark_settled(long)
    assert box.find(1) is None


def test_a_late_refusal_finds_its_command() -> None:
    box = Outbox(Settings())
    commands = [outgoing() for _ in range(5)]
    sent(box, *commands)
    box.acknowledge(3, 0.0)
    assert [box.find(number) for number in range(1, 6)] == commands
    assert box.find(0) is None
    assert box.find(6) is None
    assert Outbox(Settings()).find(1) is None
    assert commands[0].settle("rejected", CommandRejectedError("UNSUPPORTED", "no"))
    assert not commands[0].settle("unknown")


def test_given_up_numbers_raise() -> None:
    box = Outbox(Settings())
    commands = [outgoing() for _ in range(6)]
    sent(box, *commands)
    box.acknowledge(3, 0.0)
    commands[3].settle("timeout")
    assert box.reject_skipped(3, 5) == [commands[4], commands[2]]
    error = commands[4].error
    assert isinstance(error, CommandRejectedError)
    assert error.code == "SEQUENCE_GAP"
    assert (commands[3].outcome, commands[5].outcome, commands[1].outcome) == (
        "timeout",
        None,
        "delivered",
    )
    assert box.reject_skipped(3, 5) == []


def test_a_server_that_has_forgotten_makes_what_was_transmitted_unknown() -> None:
    box = Outbox(Settings())
    answered, waiting, acknowledged, under_way = (
        outgoing(reply=True),
        outgoing(reply=True),
        outgoing(),
        outgoing(),
    )
    sent(box, answered, waiting, acknowledged, under_way)
    box.acknowledge(3, 0.0)
    answered.settle("done")
    box.mark_settled(answered)
    box.add(outgoing("queued"), 0.0)
    assert box.restart() == [waiting, under_way]
    assert isinstance(waiting.error, DeliveryUnknownError)
    assert (answered.outcome, acknowledged.outcome) == ("done", "delivered")
    assert box.held_bytes == len(outgoing("queued").payload)
    assert [message["sequence"] for message in flush(box)] == [1]


def test_a_server_that_does_not_acknowledge_settles_by_sending() -> None:
    box = Outbox(Settings())
    box.acknowledging = False
    command = outgoing()
    sent(box, command)
    assert command.outcome == "sent"
    assert (box.held_bytes, len(box.unacknowledged)) == (0, 0)


class TestMotion:
    def test_it_says_until_when_it_may_begin(self) -> None:
        box = Outbox(Settings())
        box.add(outgoing("drive", now=10.0, motion=True), 10.0)
        (message,) = flush(
            box, now=10.1, expiry=lambda now, remaining: (7000.0 + now + remaining) * 1000
        )
        assert message["payload"]["expires"] == pytest.approx((7000 + 10.5) * 1000)

    def test_one_that_is_too_old_is_sent_as_void_under_its_number(self) -> None:
        box = Outbox(Settings())
        old, young = (
            outgoing("drive", now=0.0, motion=True, reply=True),
            outgoing("drive", now=0.2, motion=True),
        )
        box.add(old, 0.0)
        box.add(young, 0.2)
        messages = flush(box, now=0.6)
        assert [(message["sequence"], message["payload"]["command"]) for message in messages] == [
            (1, "void"),
            (2, "drive"),
        ]
        assert "reply" not in messages[0]["payload"]
        assert box.expired == [old]
        assert isinstance(old.error, CommandExpiredError)

    def test_the_same_when_it_is_sent_again(self) -> None:
        box = Outbox(Settings())
        drive, given_up, note = (
            outgoing("drive", motion=True),
            outgoing("drive", motion=True),
            outgoing(),
        )
        sent(box, drive, given_up, note)
        given_up.settle("timeout")
        batch, *more = box.resend(0.6, 5, never)
        assert not more
        assert [message["payload"]["command"] for message in read([batch.frame])] == [
            "void",
            "void",
            "note",
        ]
        assert batch.commands == [drive, given_up, note]
        assert (drive.outcome, given_up.outcome, box.expired) == ("expired", "timeout", [drive])

    def test_it_is_sent_again_while_it_is_young(self) -> None:
        box = Outbox(Settings())
        sent(box, outgoing("drive", motion=True))
        (batch,) = box.resend(0.4, 5, lambda now, remaining: remaining)
        (message,) = read([batch.frame])
        assert message["payload"]["expires"] == pytest.approx(0.1)

    def test_a_stop_takes_it_out_of_the_queue(self) -> None:
        box = Outbox(Settings())
        drive, note = outgoing("drive", motion=True), outgoing()
        box.add(drive, 0.0)
        assert box.drop_motion() == [drive]
        assert box.queue.deadline is None
        assert box.held_bytes == box.queue.bytes == 0
        box.add(note, 1.0)
        assert box.drop_motion() == []
        assert box.queue.deadline == 1.1
        assert isinstance(drive.error, CommandRejectedError)
        assert drive.error.code == "STOPPED"

    def test_old_motion_leaves_the_queue_without_a_number(self) -> None:
        box = Outbox(Settings())
        old, note, young = (
            outgoing("drive", motion=True),
            outgoing(),
            outgoing("drive", now=1.0, motion=True),
        )
        for command in (old, note, young):
            box.add(command, 0.0)
        assert box.drop_old_motion(1.2) == [old]
        assert box.queue.items == [note, young]


def test_one_command_can_be_withdrawn() -> None:
    box = Outbox(Settings())
    one, two = outgoing(), outgoing()
    box.add(one, 0.0)
    box.add(two, 0.0)
    assert box.withdraw(one)
    assert not box.withdraw(one)
    assert box.drop_all() == [two]


def test_it_is_full_at_a_mebibyte() -> None:
    box = Outbox(Settings())
    while not box.is_full:
        sent(box, outgoing(size=100_000))
    assert box.held_bytes >= 2**20
    box.acknowledge(1, 0.0)
    assert not box.is_full


@given(st.lists(st.integers(0, 400_000), min_size=1, max_size=40), st.integers(1, 10))
def test_every_frame_fits_also_when_batches_are_formed_anew(sizes: list[int], most: int) -> None:
    box = Outbox(Settings(max_batch_size=most))
    for size in sizes:
        box.add(outgoing(size=size), 0.0)
    frames = []

    def go() -> None:
        made = box.flush(0.0, 1_700_000_000_000, "flush", never)
        if made is not None:
            frames.append(made.frame)

    for _ in box.requeue(0.0):
        go()
    go()
    again = [batch.frame for batch in box.resend(0.0, 1_700_000_000_000, never)]
    for made in (frames, again):
        messages = [message for frame in made for message in read([frame])]
        assert [message["sequence"] for message in messages] == list(range(1, len(sizes) + 1))
        assert all(len(frame) <= MAX_FRAME for frame in made)
        assert all(len(read([frame])) <= most for frame in made)
    assert box.held_bytes == sum(len(outgoing(size=size).payload) for size in sizes)
    assert json.loads(frames[0])["version"] == 2
