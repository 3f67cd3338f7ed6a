"""Client and server cores against each other over a wire that delays, cuts and loses, in a time of
its own."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from mbot_nb.commands import MOTIONS, URGENT
from mbot_nb.errors import (
    CommandExpiredError,
    CommandTimeoutError,
    DeliveryUnknownError,
    NotConnectedError,
)
from mbot_nb.protocol.client import ClientState
from mbot_nb.protocol.client.events import ConnectionChanged, EventReceived, EventsMissed, Settled
from mbot_nb.protocol.settings import Settings
from tests.helpers.protocol.world import World


class Conversation(RuleBasedStateMachine):
    """Everything that may happen, in any order; then the wire heals, and the books must balance."""

    extended = True

    @initialize(
        window=st.sampled_from([0.0, 0.1]),
        size=st.integers(1, 4),
        policy=st.sampled_from(["window", "adaptive"]),
    )
    def begin(self, window: float, size: int, policy: Any) -> None:
        self.world = World(
            Settings(
                batch_window=window,
                max_batch_size=size,
                batch_policy=policy,
                replay_messages=8,
                retry_delays=(0.0, 0.5, 1.0),
                session_ttl=20.0,
                ping_interval=3.0,
                out_queue=200_000,
            ),
            extended=self.extended,
        )
        self.emitted = 0
        self.stalled = False
        self.world.connect()

    # What the user does.

    @rule(name=st.sampled_from(["note", "note", "refuse", "void", "drive"]), reply=st.booleans())
    def command(self, name: str, reply: bool) -> None:
        self.world.send(name, reply=reply, timeout=8.0)

    @rule(count=st.integers(2, 12))
    def many(self, count: int) -> None:
        for _ in range(count):
            self.world.send("note")

    @rule(seconds=st.sampled_from([0.05, 0.3, 2.0]))
    def slow_handler(self, seconds: float) -> None:
        self.world.send("slow", seconds=seconds)

    @precondition(lambda self: self.world.cable is not None)
    @rule(between=st.sampled_from([0.0, 0.1]), name=st.sampled_from(["stop", "drive", "note"]))
    def drive_into_a_cut(self, between: float, name: str) -> None:
        """What is on its way when the connection breaks, and what is called before it stands
        again."""
        self.world.send("drive", reply=True, timeout=8.0)
        self.world.cut(up=0, down=0, server_notices=False)
        self.world.send(name, timeout=8.0)
        self.world.run(between)

    @rule(name=st.sampled_from(["stop", "emergency_stop"]))
    def stop(self, name: str) -> None:
        self.world.send(name, timeout=5.0)

    @rule()
    def release(self) -> None:
        self.world.send(
            "release_stop", timeout=5.0, latch=self.world.client.mirror.state.get("latch") or "none"
        )

    @rule()
    def reconnect(self) -> None:
        self.world.reconnect()

    # What the robot and its server do.

    @rule()
    def change(self) -> None:
        self.world.change()

    @rule(count=st.integers(1, 12), size=st.sampled_from([1, 1, 5000]))
    def emit(self, count: int, size: int) -> None:
        for _ in range(count):
            self.emitted += 1
            self.world.emit([self.emitted, "x" * size])

    @rule()
    def telemetry(self) -> None:
        self.world.telemetry({"x": 1})

    @rule()
    def restart(self) -> None:
        self.world.restart_server()

    # What the world does.

    @rule(seconds=st.sampled_from([0.001, 0.02, 0.1, 0.3, 0.6, 3.0, 30.0]))
    def pass_time(self, seconds: float) -> None:
        self.world.run(seconds)

    @rule(seconds=st.sampled_from([0.2, 0.7, 7.0]))
    def stall(self, seconds: float) -> None:
        self.stalled = True
        self.world.stall(seconds)

    @rule(delay=st.sampled_from([0.001, 0.01, 0.2, 0.7]))
    def distance(self, delay: float) -> None:
        self.world.delay = delay

    @precondition(lambda self: self.world.cable is not None)
    @rule(up=st.integers(0, 5), down=st.integers(0, 5), server_notices=st.booleans())
    def cut(self, up: int, down: int, server_notices: bool) -> None:
        self.world.cut(up=up, down=down, server_notices=server_notices)

    @rule()
    def notice(self) -> None:
        self.world.notice()

    @rule(reachable=st.booleans())
    def reach(self, reachable: bool) -> None:
        self.world.reachable = reachable

    @rule(reading=st.booleans())
    def read(self, reading: bool) -> None:
        self.world.reading = reading
        self.world.run(0.0)

    # What must hold at all times.

    @invariant()
    def each_numbered_command_ran_at_most_once_and_in_order(self) -> None:
        numbers = [number for _, number, _ in self.world.executed]
        assert len(numbers) == len(set(numbers))
        # A baseline client's session ends with its connection: nothing orders one after the other.
        for ran in [numbers] if self.extended else self.world.ran_in.values():
            assert ran == sorted(ran)

    @invariant()
    def events_come_once_and_in_order(self) -> None:
        seen = [event.data[0] for event in self.world.of(EventReceived) if event.name == "news"]
        assert seen == sorted(set(seen))

    @invariant()
    def no_motion_is_late(self) -> None:
        limit = self.world.settings.motion_max_age
        for name, number, at in self.world.executed:
            if name in MOTIONS:
                bound = self.world.bounds[number]
                if bound is not None:
                    assert at - self.world.numbers[number].queued_at <= limit + 2 * bound + 0.01

    @invariant()
    def a_stop_overtakes_all_motion_called_before_it(self) -> None:
        calls = {
            id: number
            for id, number in self.world.stops.items()
            if self.world.numbers[number].name != "release_stop"
        }
        for id, halted in self.world.halts:
            if id in calls:
                for name, number, at in self.world.executed:
                    assert not (name in MOTIONS and number < calls[id] and at > halted)

    @invariant()
    def an_end_is_told_once(self) -> None:
        for command in self.world.calls:
            told = self.world.settled_times(command)
            if command.outcome is None:
                assert told == 0
            elif command.outcome == "rejected" and not command.reply:
                assert told in (1, 2)  # delivered, then refused
            else:
                assert told == 1

    @invariant()
    def what_is_held_is_counted_right(self) -> None:
        outbox = self.world.client.outbox
        held = [*outbox.queue.items, *outbox.unacknowledged]
        assert outbox.held_bytes == sum(len(command.payload) for command in held)

    @invariant()
    def acknowledgements_are_prompt(self) -> None:
        since = self.world.unacknowledged_since
        assert (
            since is None
            or self.stalled
            or self.world.now - since <= self.world.settings.ack_delay + 1e-6
        )

    # In the end.

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        world = self.world
        world.reachable = world.reading = True
        world.delay = 0.001
        world.notice()
        if world.client.state in (ClientState.FAILED, ClientState.WAITING):
            world.reconnect()
        world.run(25.0)
        while world.busy:  # many slow handlers, one after the other
            world.run(2.0)
        assert world.connected
        world.change()
        world.run(1.0)
        self.each_call_is_settled_truthfully()
        # I-WS-V2-001
        mirror, store = world.client.mirror, world.hub.store
        assert (mirror.state, mirror.revision) == (store.state, store.revision)
        self.events_are_complete()
        # An urgent command that is sent again runs once for each life of the server.
        lives = [
            change.resumed for change in world.of(ConnectionChanged) if change.state == "connected"
        ]
        for id in world.stops:
            runs = sum(id == ran for ran, _ in world.halts)
            assert runs <= 1 + lives.count(False)
            if world.numbers[world.stops[id]].outcome == "done":
                assert runs >= 1
        world.client.close(world.now)
        world.settle()
        assert world.client.next_deadline() is None

    def each_call_is_settled_truthfully(self) -> None:
        ran = {number for _, number, _ in self.world.executed}
        afresh = [change for change in self.world.of(ConnectionChanged) if change.resumed is False]
        news_lost = bool(afresh or self.world.of(EventsMissed))
        for number, command in self.world.numbers.items():
            assert command.outcome is not None, command
            error = command.error
            if command.name in URGENT:
                assert command.outcome in ("done", "rejected", "unknown", "timeout", "sent")
                continue
            match command.outcome:
                case "done":
                    assert number in ran or command.name == "void"
                case "delivered":
                    # It may have been refused later, if that was lost with a server's end or in a
                    # gap that was told.
                    untold = number in self.world.died_waiting or (
                        number in self.world.refused and news_lost
                    )
                    assert number in ran or command.name == "void" or untold
                case "rejected":
                    refused = getattr(error, "code", "")
                    assert refused in ("UNSUPPORTED", "STOPPED", "EXPIRED")
                    assert (number in ran) == (refused == "UNSUPPORTED")
                case "expired":
                    assert isinstance(error, CommandExpiredError)
                    assert number not in ran
                    assert command.motion
                case "unsent":
                    assert isinstance(error, NotConnectedError)
                    assert number not in ran
                case "unknown":
                    assert isinstance(error, DeliveryUnknownError)
                    assert command.sent_at is not None
                case "timeout":
                    assert isinstance(error, CommandTimeoutError)
                    assert command.reply
                    if "was not sent" in str(error):
                        assert number not in ran
                case "sent":
                    assert not self.extended

    def events_are_complete(self) -> None:
        """I-WS-V2-002: with each life of the session the numbers received and reported as missed
        are 1, 2, 3, ..."""
        if not self.extended:
            return
        expected = 1
        for event in self.world.told:
            if (
                isinstance(event, ConnectionChanged)
                and event.state == "connected"
                and event.resumed is not True
            ):
                expected = 1
            elif isinstance(event, EventsMissed):
                assert event.expected == expected
                expected = event.got
            elif isinstance(event, EventReceived) and event.sequence is not None:
                assert event.sequence == expected
                expected += 1
        assert expected == self.world.session.last_event + 1


class BaselineConversation(Conversation):
    extended = False


@pytest.mark.parametrize("machine", [Conversation, BaselineConversation])
@pytest.mark.timeout(120)
def test_whatever_happens_on_the_way(machine: type[Conversation]) -> None:
    run_state_machine_as_test(
        machine, settings=settings(max_examples=100, stateful_step_count=40, deadline=None)
    )


def test_the_machine_sees_what_it_looks_for() -> None:
    """A short story that takes each way once, so that the invariants above are known to look at
    something."""
    world = World()
    world.connect()
    world.send("note", reply=True)
    world.send("drive", reply=True, duration=0.2)
    world.run(1.0)
    assert [name for name, _, _ in world.executed] == ["note", "drive"]
    assert world.motions_over == [(1, "time")]
    assert [command.outcome for command in world.calls] == ["done", "done"]
    assert len(world.of(Settled)) == 2
