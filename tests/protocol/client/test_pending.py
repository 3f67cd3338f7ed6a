"""Commands under way: each is settled once, and its outcome is told as an event."""

from __future__ import annotations

from typing import Any

import pytest

from mbot_nb.errors import (
    CommandRejectedError,
    CommandTimeoutError,
    DeliveryUnknownError,
    NotConnectedError,
)
from mbot_nb.protocol.client.events import Acknowledged, ClientEvent, Settled
from mbot_nb.protocol.client.outbox import OutgoingCommand
from mbot_nb.protocol.client.pending import PendingCommands
from mbot_nb.protocol.client.stop_commands import RELEASE
from mbot_nb.protocol.loss import Loss, LossKind
from mbot_nb.protocol.settings import Settings


class Desk(PendingCommands):
    """With its events, and commands that were sent."""

    def __init__(self) -> None:
        self.events: list[ClientEvent] = []
        super().__init__(Settings(), self.events.append)

    def add(self, name: str = "note", *, reply: bool = True, sent: bool = True) -> OutgoingCommand:
        command = OutgoingCommand(name, b'{"command":"note","params":{}}', 0.0, False, reply)
        self.outbox.add(command, 0.0)
        if sent:
            self.outbox.flush(0.0, 5, "flush", lambda now, remaining: None)
        return command

    def add_stop(self, name: str, *, sent: bool = True) -> OutgoingCommand:
        command = self.stops.new(name, {}, 0, 0.0)
        if sent:
            self.stops.transmit(command, 0.0, 0)
        return command

    @property
    def settled(self) -> list[OutgoingCommand]:
        return [event.command for event in self.events if isinstance(event, Settled)]


def test_an_answer_is_found_by_number_or_id() -> None:
    desk = Desk()
    numbered, stop = desk.add(), desk.add_stop("stop")
    desk.answer({"id": stop.id, "ok": True, "result": 1}, 1.0)
    desk.answer({"sequence": numbered.sequence, "ok": True, "result": 2}, 2.0)
    assert desk.settled == [stop, numbered]
    assert [(one.outcome, one.result, one.answered_at) for one in desk.settled] == [
        ("done", 1, 1.0),
        ("done", 2, 2.0),
    ]


@pytest.mark.parametrize("data", [{}, {"sequence": 99}, {"sequence": True}, {"id": 3}, {"id": "x"}])
def test_an_answer_to_nothing_settles_nothing(data: dict[str, Any]) -> None:
    desk = Desk()
    desk.add()
    desk.answer({"ok": True, **data}, 1.0)
    assert desk.events == []


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        ({"code": "STOPPED", "message": "latched"}, CommandRejectedError, "STOPPED: latched"),
        ({}, CommandRejectedError, "INTERNAL_ERROR: the server gave no reason"),
        ("nonsense", CommandRejectedError, "the server gave no reason"),
        (
            {"message": "no answer", "details": {"error": "CommandTimeoutError"}},
            CommandTimeoutError,
            "note: no answer",
        ),
        (
            {"message": "cut", "details": {"error": "DeliveryUnknownError"}},
            DeliveryUnknownError,
            "note: cut",
        ),
    ],
)
def test_a_refusal_is_the_error_it_names(error: Any, kind: type, words: str) -> None:
    desk = Desk()
    command = desk.add()
    desk.answer({"sequence": command.sequence, "ok": False, "error": error}, 1.0)
    assert command.outcome == "rejected"
    assert type(command.error) is kind
    assert words in str(command.error)


def test_what_is_not_settled_in_time_is_given_up_oldest_first() -> None:
    desk = Desk()
    sent, waiting, stop = desk.add(), desk.add(sent=False), desk.add_stop("stop")
    for command, deadline in ((waiting, 5.0), (sent, 5.0), (stop, 4.0)):
        desk.expect(command, deadline)
    assert desk.next_deadline() == 4.0
    desk.expire(3.9)
    assert desk.events == []
    desk.expire(5.0)
    assert desk.next_deadline() is None
    assert {command.outcome for command in desk.settled} == {"timeout"}
    told = {command: str(command.error) for command in desk.settled}
    assert "It was not sent." in told[waiting]
    assert "It may still be carried out" in told[sent]
    assert "It is sent again after every reconnect" in told[stop]
    assert desk.stops.open() == [stop], "a stop is never given up"


def test_an_acknowledgement_settles_what_asks_for_no_answer() -> None:
    desk = Desk()
    plain, asking = desk.add(reply=False), desk.add(reply=True)
    desk.acknowledge(2, 1.0)
    assert desk.events == [Acknowledged(1.0, [plain])]
    assert asking.outcome is None


def test_after_a_cut_a_release_that_was_sent_is_unknown() -> None:
    desk = Desk()
    stop, release = desk.add_stop("stop"), desk.add_stop(RELEASE)
    desk.connection_lost(1.0)
    assert desk.settled == [release]
    assert isinstance(release.error, DeliveryUnknownError)
    assert stop.outcome is None


def test_with_a_server_that_forgot_us_numbers_begin_anew() -> None:
    desk = Desk()
    sent, waiting = desk.add(), desk.add(sent=False)
    desk.restart(1.0)
    assert desk.settled == [sent]
    assert sent.outcome == "unknown"
    assert waiting.outcome is None
    assert desk.outbox.next_sequence == 1


@pytest.mark.parametrize(
    ("loss", "words"),
    [
        (None, "the client was closed"),
        (Loss(LossKind.RESET, "reset"), r"reset.*bot\.reconnect\(\) tries again"),
    ],
)
def test_when_there_will_be_no_connection_nothing_goes_on_waiting(
    loss: Loss | None, words: str
) -> None:
    desk = Desk()
    sent, waiting, stop = desk.add(), desk.add(sent=False), desk.add_stop("stop")
    desk.expect(waiting, 9.0)
    desk.restart(1.0)
    desk.fail(loss, 1.0)
    assert {command: command.outcome for command in desk.settled} == {
        sent: "unknown",
        waiting: "unsent",
        stop: "unknown",
    }
    with pytest.raises(NotConnectedError, match=words):
        raise waiting.error  # type: ignore[misc]
    assert desk.next_deadline() is None
    desk.fail(loss, 2.0)
    assert len(desk.settled) == 3, "each once"
