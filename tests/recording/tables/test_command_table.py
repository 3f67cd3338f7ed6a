"""The table of commands: one row each, whatever becomes of them and however often they are sent."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import pytest

from mbot_nb.errors import CommandRejectedError
from mbot_nb.protocol.client.outbox import OutgoingCommand
from mbot_nb.recording.tables import arrow, command_table
from mbot_nb.recording.tables.command_table import CommandTable
from mbot_nb.recording.tables.schema import SCHEMA


def _table(max_rows: int = 100_000) -> CommandTable:
    return CommandTable(SCHEMA["commands"], max_rows=max_rows, wall_offset=0.0)


def _sent(sequence: int, name: str = "note") -> OutgoingCommand:
    command = OutgoingCommand(name, b"", sequence / 10, False, False)
    command.sequence = sequence
    command.sent_at = sequence / 10 + 0.01
    return command


def _acknowledge(command: OutgoingCommand) -> None:
    command.acknowledged_at = (command.sent_at or 0.0) + 0.01
    command.settle("delivered")


def test_a_row_is_completed_as_its_command_goes_on() -> None:
    table, command = _table(), _sent(1)
    table.on_started([command])
    row = table.frame().iloc[0]
    assert row.sequence == 1
    assert row.isna()[["acknowledged_s", "answered_s", "outcome", "error"]].all()
    _acknowledge(command)
    row = table.frame().iloc[0]
    assert row.outcome == "delivered"
    assert row.acknowledged_s == pytest.approx(0.12)


def test_a_command_sent_again_keeps_its_row() -> None:
    table = _table()
    several = [_sent(n) for n in (1, 2, 3)]
    table.on_started(several)
    table.on_started(several[1:])
    assert table.frame().sequence.tolist() == [1, 2, 3]


def test_a_command_that_was_never_sent_has_a_row_that_says_so() -> None:
    table = _table()
    command = OutgoingCommand("drive", b"", 1.0, True, True)
    command.settle("expired", None)
    table.on_settled(command)
    row = table.frame().iloc[0]
    assert (row["name"], row.outcome) == ("drive", "expired")
    assert row.isna()[["sequence", "sent_s"]].all()


def test_a_late_refusal_is_still_written_down() -> None:
    """Acknowledged first, refused afterwards, with many others in between."""
    table = _table()
    late = _sent(1)
    table.on_started([late])
    _acknowledge(late)
    others = [_sent(n) for n in range(2, 1000)]
    table.on_started(others)
    for command in others:
        _acknowledge(command)
    assert table.frame().outcome[0] == "delivered"
    late.settle("rejected", CommandRejectedError("INVALID_PARAMS", "no such colour"))
    row = table.frame().iloc[0]
    assert (row.outcome, row.error) == ("rejected", "INVALID_PARAMS: no such colour")


@pytest.mark.parametrize("seed", range(5))
def test_many_commands_in_order_each_once(seed: int) -> None:
    """Acknowledged late or never, resent, asked for in between: the rows are the commands, in the
    order of their numbers."""
    chance = random.Random(seed)
    table = _table()
    window: list[OutgoingCommand] = []
    n = 0
    while n < 20_000:
        batch = [_sent(n + k) for k in range(chance.randrange(1, 300))]
        n += len(batch)
        table.on_started(batch)
        window += batch
        if chance.random() < 0.2:
            table.on_started(window)  # all that is not acknowledged, again
        if chance.random() < 0.6:
            for command in window:
                _acknowledge(command)
            window = []
        if chance.random() < 0.05:
            assert table.frame().sequence.tolist() == list(range(n))
    assert table.frame().sequence.tolist() == list(range(n))
    assert table.total == n
    assert len(table._open) < n, "what cannot change any more is not held as an object for ever"


def test_memory_is_bounded_even_if_nothing_is_ever_acknowledged() -> None:
    table = _table(max_rows=5000)
    for first in range(0, 50_000, 100):
        table.on_started([_sent(first + n) for n in range(100)])
    assert len(table._open) <= 5000 + 2 * command_table.KEPT_OPEN
    frame = table.frame()
    assert frame.sequence.tolist() == list(range(45_000, 50_000))
    assert (table.total, table.dropped, len(table)) == (50_000, 45_000, 5000)


def test_only_those_that_changed_are_told_again() -> None:
    """Whatever lies between them."""
    table = _table()
    several = [_sent(n) for n in range(10)]
    table.on_started(several)
    known: dict[Any, tuple[Any, ...]] = {}
    told = table.under_way(known)
    assert told is not None
    assert told[0] == list(range(10))
    assert table.under_way(known) is None
    for n in (2, 3, 7):
        _acknowledge(several[n])
    told = table.under_way(known)
    assert told is not None
    numbers, chunk, labels = told
    assert numbers == [2, 3, 7]
    rows = arrow.batch(SCHEMA["commands"], chunk, labels)
    assert rows.column("sequence").to_pylist() == [2, 3, 7]
    assert rows.column("outcome").to_pylist() == ["delivered"] * 3
    assert rows.column("error").null_count == 3


@pytest.mark.parametrize("blocked", [False, True], ids=["all end", "the first one never ends"])
def test_asking_converts_only_what_came_or_has_changed(blocked: bool) -> None:
    converted: list[int] = []

    def counting(commands: Sequence[Any]) -> list[Any]:
        converted.append(len(commands))
        return command_table.command_columns(commands)

    table = CommandTable(SCHEMA["commands"], max_rows=300_000, wall_offset=0.0, columns_of=counting)
    many = [_sent(n) for n in range(200_000)]
    for first in range(0, len(many), 500):
        table.on_started(many[first : first + 500])
        for command in many[max(1 if blocked else 0, first - 500) : first]:
            _acknowledge(command)
    assert len(table._open) > (199_000 if blocked else command_table.KEPT_OPEN)
    assert len(table.frame()) == 200_000
    converted.clear()
    before = table.frame()
    assert sum(converted) == 0
    table.on_started([_sent(n) for n in range(200_000, 200_007)])
    for n in (199_998, 199_990):
        _acknowledge(many[n])
    frame = table.frame()
    assert sum(converted) == 9
    assert frame.sequence.tolist() == list(range(200_007))
    assert frame.outcome[[199_989, 199_990, 199_998]].isna().tolist() == [True, False, False]
    assert before.outcome.isna()[199_990], "a frame stays as it was"
    assert len(before) == 200_000


def test_what_a_user_writes_into_a_frame_stays_theirs() -> None:
    table = _table()
    table.on_started([_sent(1)])
    mine = table.frame()
    mine.loc[0, "name"] = "mine"
    assert table.frame().name.tolist() == ["note"]


def test_clearing_forgets_also_those_under_way() -> None:
    table, command = _table(), _sent(1)
    table.on_started([command, _sent(2)])
    assert len(table.frame()) == 2
    table.clear()
    assert table.frame().empty
    table.on_started([command])  # again, and as it was
    assert table.frame().sequence.tolist() == [1]
    assert (len(table), table.recorded, table.total, table.dropped) == (1, 1, 3, 0)
    assert [chunk.first for chunk, _ in table.packed()] == [2]
