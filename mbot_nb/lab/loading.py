"""What becomes of commands under load, stage by stage: batch, wire, ordering, handler, answer."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import numpy as np

from ..client import Client
from ..client.batching import BatchingContext
from ..client.sync import SyncClient
from ..errors import (
    CommandRejectedError,
    CommandTimeoutError,
    NotConnectedError,
    SendBufferFullError,
    UsageError,
)
from ..loops.call import Call
from ..protocol.batching import mean_wait, sharing
from ..protocol.client.events import ClientEvent, EventReceived
from ..protocol.client.outbox import OutgoingCommand, SentBatch
from ..protocol.settings import BatchPolicy
from .clock_offset import SAME_CLOCK, Offset
from .environment import STALL, Environment, Incidents, client_of, held_up, positive
from .latency import ANSWER_TIMEOUT
from .load_handler import COMMAND, EVENT, answer
from .results import Run
from .schedule import pace
from .statistics import Estimate, gaps, mean, table, warm_up

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["STAGES", "LoadRun", "load"]

STAGES = ("late_ms", "batch_ms", "wire_ms", "order_ms", "handler_ms", "answer_ms")
"""One after the other they make up `total_ms`."""
CLOCK_PINGS = 10


class LoadRun(Run):
    """What :func:`load` found.

    Columns of ``samples``, times:
    `intended_s`, `queued_s` (given to the client), `sent_s`, `arrived_s` (at the server),
    `started_s` and `ended_s` (its handler), `answered_s`, `acknowledged_s`; `t_s` is the intended
    time from the start.

    The stages, one after the other:
    `late_ms` (given to the client later than intended), `batch_ms` (waiting for company),
    `wire_ms`, `order_ms` (waiting at the server for what was sent before), `handler_ms`,
    `answer_ms` (the way back). `one_way_error_ms` is that of wire and answer.

    Together:
    `total_ms`, from the intended time to the answer, is the sum of the stages; `raw_ms` begins when
    it was queued. Without the lab on the server's side only `acknowledged_ms`, from the intended
    time, is known beyond the batch.

    And: `n`, `batch` (a running number), `batch_size`, `reason` (why it went then), `loop_lag_ms`,
    `stalled`; `warm_up` and `cool_down` for batches that went in the warm-up, or after the last
    command of the schedule.
    """

    kind = "load"

    @property
    def figure(self) -> str:  # type: ignore[override]
        """`total_ms`; `acknowledged_ms` where the server does not answer the lab."""
        return "total_ms" if self.settings["answered"] else "acknowledged_ms"

    @property
    def columns(self) -> tuple[str, ...]:
        known = [column for column in (*STAGES, "raw_ms") if self.samples[column].notna().any()]
        return (self.figure, *known)

    @property
    def stages(self) -> pd.DataFrame:
        """For each stage the mean and percentiles in ms, without warm-up and stalls; the means add
        up to that of the total.

        `clock_error_ms` as in :attr:`statistics`.
        """
        stages = [column for column in (*STAGES, self.figure) if column in self.columns]
        figures = table({stage: self.delays(stage) * 1e3 for stage in stages})
        return self._bounded(figures[["n", "mean", "p50", "p90", "p99", "p99_9"]], stages)

    @property
    def mean_wait(self) -> float:
        """Mean seconds that commands waited in a batch, measured."""
        waits = self.delays("batch_ms")
        return float(waits.mean()) if len(waits) else float("nan")

    @property
    def wait(self) -> Estimate:
        """The same with its 95 % interval. What varies is how a batch turns out as a whole: within
        it, waits follow a rule."""
        samples = self.samples
        kept = samples[~samples["warm_up"] & ~samples["cool_down"] & ~samples["stalled"]]
        batches = mean(kept.groupby("batch")["batch_ms"].mean() / 1e3)
        value = self.mean_wait
        return Estimate(
            value, value + batches.low - batches.value, value + batches.high - batches.value
        )

    @property
    def expected_wait(self) -> float:
        """The same by the closed form of protocol.md section 6, for the policy `window`; else
        NaN."""
        settings = self.settings
        if settings["policy"] != "window":
            return float("nan")
        size = settings["max_batch_size"] if settings["batch_window"] > 0 else 1
        return mean_wait(settings["rate"], settings["batch_window"], size)


def load(
    bot: Client | SyncClient,
    *,
    rate: float = 50.0,
    duration: float = 10.0,
    batch_window: float | None = None,
    max_batch_size: int | None = None,
    policy: BatchPolicy | None = None,
    work: float = 0.0,
    stall: float = STALL,
    timeout: float = ANSWER_TIMEOUT,
    name: str = "load",
) -> Call[LoadRun]:
    """Send ``rate`` commands a second for ``duration`` seconds and follow each through its stages;
    await it.

    The commands are queued on a fixed schedule, whatever became of those before (an open loop),
    with `bot.send`, so that they are batched; they move nothing. A server of this process answers
    them by itself, elsewhere call `lab.answer(server)` there; without that, commands `void` are
    sent, of which only the acknowledgement is known.

    Args:
        batch_window, max_batch_size, policy: how this client batches meanwhile, in seconds and
            messages; as it is if not given.
        work: seconds that the handler takes for each command, one after the other.
        stall: seconds. Commands are marked as stalled that were on their way while a loop they pass
            was blocked for so long, and all that shared a batch with one.
        timeout: seconds to wait for the last answers; what has not come then is lost.
        name: what plots and comparisons call this run.

    Raises:
        NotConnectedError: the client is not connected when it begins, or gives up.
        UsageError: a number that makes no sense; or a server of the baseline profile, which neither
            acknowledges nor answers.
    """
    positive(rate=rate, duration=duration, stall=stall, timeout=timeout)
    client = client_of(bot)
    batching = client.batching(window=batch_window, size=max_batch_size, policy=policy)
    settings = {
        "experiment": "load",
        "rate": rate,
        "duration_s": duration,
        "warm_up_s": warm_up(duration),
        "batch_window": batching.window,
        "max_batch_size": batching.size,
        "policy": batching.policy,
        "work_s": work,
        "stall_s": stall,
        "timeout_s": timeout,
    }
    return Call(lambda: client.home, lambda: _load(client, settings, batching, name), "lab.load()")


async def _load(
    bot: Client, settings: dict[str, Any], batching: BatchingContext, name: str
) -> LoadRun:
    if bot.profile != "extended":
        raise UsageError(
            "this server speaks the baseline profile: it neither acknowledges nor answers, so "
            "nothing can be followed"
        )
    rate, duration, stall = settings["rate"], settings["duration_s"], settings["stall_s"]
    environment = Environment(bot)
    commands = _Commands(bot, max(1, round(rate * duration)), settings["work_s"])
    with ExitStack() as stack:
        if environment.server is not None:
            stack.callback(answer(environment.server))
        answered = await commands.probe()
        stack.enter_context(environment)
        stack.callback(bot.tap(commands.on_event))
        stack.enter_context(batching)
        start = await commands.run(rate, settings["timeout_s"])
        stalls = await environment.stalls(start)
    clock = SAME_CLOCK if environment.server is not None else commands.incidents.clock.estimate()
    settings = {**settings, "answered": answered, **environment.settings()}
    samples = _samples(commands, start, rate, settings["warm_up_s"], clock)
    ended = samples["answered_s" if answered else "acknowledged_s"].to_numpy()
    intended = samples["intended_s"].to_numpy()
    samples["loop_lag_ms"], samples["stalled"] = held_up(
        intended, samples["queued_s"].to_numpy(), ended, stalls, stall
    )
    # A batch counts as a whole or not at all: those that wait longest are the first to meet a
    # stall.
    samples["stalled"] |= samples["stalled"].groupby(samples["batch"]).transform("any") & (
        samples["batch"] > 0
    )
    window, size = settings["batch_window"], settings["max_batch_size"]
    # The answers to a batch come together, so that one is due after as many commands as share a
    # batch.
    pauses = gaps(ended, sharing(rate, window, size if window > 0 else 1) / rate)
    marked = [one for one in stalls if one.seconds >= stall]
    return LoadRun(name, settings, samples, marked, commands.incidents, pauses, start, clock)


def _samples(
    commands: _Commands, start: float, rate: float, warm: float, clock: Offset | None
) -> pd.DataFrame:
    import pandas as pd

    intended = start + np.arange(commands.count) / rate
    arrived, started, ended, answered = commands.answers.T
    offset = np.nan if clock is None else clock.seconds
    rows = [
        (one.queued_at, one.sent_at, one.acknowledged_at) if one is not None else (None,) * 3
        for one in commands.sent
    ]
    queued, sent, acknowledged = np.array(rows, dtype=np.float64).T
    error = np.full(commands.count, np.nan) if clock is None else clock.error_at(intended)
    return pd.DataFrame(
        {
            "n": np.arange(commands.count),
            "t_s": intended - start,
            "intended_s": intended,
            "queued_s": queued,
            "sent_s": sent,
            "arrived_s": arrived - offset,
            "started_s": started - offset,
            "ended_s": ended - offset,
            "answered_s": answered,
            "acknowledged_s": acknowledged,
            "batch": commands.batches[:, 0],
            "batch_size": commands.batches[:, 1],
            "reason": commands.reasons,
            "late_ms": (queued - intended) * 1e3,
            "batch_ms": (sent - queued) * 1e3,
            "wire_ms": (arrived - offset - sent) * 1e3,
            "order_ms": (started - arrived) * 1e3,
            "handler_ms": (ended - started) * 1e3,
            "answer_ms": (answered - (ended - offset)) * 1e3,
            "one_way_error_ms": error * 1e3,
            "total_ms": (answered - intended) * 1e3,
            "raw_ms": (answered - queued) * 1e3,
            "acknowledged_ms": (acknowledged - intended) * 1e3,
            # A batch counts as a whole or not at all: the last of it wait least.
            "warm_up": np.where(np.isnan(sent), intended, sent) < start + warm,
            "cool_down": sent > start + commands.count / rate,
        }
    )


class _Commands:
    """Sends the commands and notes their stages, on the client's home loop."""

    def __init__(self, bot: Client, count: int, work: float) -> None:
        self.bot = bot
        self.count = count
        self.sent: list[OutgoingCommand | None] = [None] * count
        self.answers = np.full((count, 4), np.nan)
        """Arrived, started, ended (the server's clock), answered (ours)."""
        self.batches = np.zeros((count, 2), dtype=np.int64)
        self.reasons: list[str | None] = [None] * count
        self.incidents = Incidents()
        self._command = COMMAND
        self._work = work
        self._numbers: dict[int, int] = {}
        """By the identity of a command that is queued."""
        self._sending: int | None = None
        self._batch = 0
        self._unsent = 0
        self._lost_pings = 0

    async def probe(self) -> bool:
        """Whether the server answers the lab."""
        try:
            await self.bot.send_command(COMMAND, n=-1)
        except CommandRejectedError as error:
            if error.code not in ("INVALID_COMMAND", "UNSUPPORTED"):
                raise
            self.incidents.notes.append(
                "the server does not answer the lab, so that nothing is known beyond the "
                "acknowledgement: "
                "call mbot_nb.lab.answer(server) where it runs"
            )
            self._command = "void"
            return False
        return True

    async def run(self, rate: float, timeout: float) -> float:
        """Returns when the first was due."""
        notes = self.incidents.notes
        await self._read_clock()
        start = await pace(rate, self.count, self._send)
        try:
            async with asyncio.timeout(timeout):
                # The last batch goes when it would have gone.
                await asyncio.sleep(self.bot.batch.window)
                await self.bot.flush()
                while self._unanswered():
                    # An answer comes right behind the acknowledgement, if not before it.
                    await self._ping()
                    await asyncio.sleep(0.005)
        except TimeoutError:
            notes.append(
                f"{self._unanswered()} commands had no answer within {timeout:g} s after the last"
            )
        if self._lost_pings:
            notes.append(
                f"{self._lost_pings} pings of the lab itself were lost with the connection"
            )
        if self._unsent:
            notes.append(
                f"{self._unsent} commands were not sent: too much waited for an acknowledgement"
            )
        await self._read_clock()
        return start

    async def _read_clock(self) -> None:
        for _ in range(CLOCK_PINGS):
            if not self.bot.connected:
                return
            await self._ping()

    async def _ping(self) -> None:
        """One round trip; if a cut swallows it, it is counted. Raises only when the client does not
        try again."""
        if self.bot.reconnecting:
            return
        try:
            await self.bot.ping()
        except NotConnectedError:
            if not (self.bot.connected or self.bot.reconnecting):
                raise
            self._lost_pings += 1
        except CommandTimeoutError:
            self._lost_pings += 1

    def _unanswered(self) -> int:
        if self._command != COMMAND:
            return 0
        return sum(one is not None for one in self.sent) - int(
            (~np.isnan(self.answers[:, 3])).sum()
        )

    def _send(self, k: int) -> None:
        params: dict[str, Any] = {"n": k, "work": self._work} if self._command == COMMAND else {}
        self._sending = k
        try:
            command = self.bot.enqueue(self._command, **params)
        except SendBufferFullError:
            self._unsent += 1
            return
        finally:
            self._sending = None
        if self.sent[k] is None:
            self.sent[k] = command
            self._numbers[id(command)] = k

    def on_event(self, item: ClientEvent | SentBatch) -> None:
        """Take in one event of the client's tap."""
        if isinstance(item, SentBatch):
            ours = [command for command in item.commands if command.name == self._command]
            if not ours:
                return
            self._batch += 1
            for command in ours:
                k = self._numbers.pop(id(command), None)
                if k is None and self._sending is not None and command is ours[-1]:
                    # The one that filled the batch went before its `send` returned.
                    k = self._sending
                    self.sent[k] = command
                if k is not None:  # else it is sent again, after a cut
                    self.batches[k] = self._batch, len(item.commands)
                    self.reasons[k] = item.reason
        elif isinstance(item, EventReceived):
            if item.name == EVENT and 0 <= item.data["n"] < self.count:
                data = item.data
                self.answers[data["n"]] = data["arrived"], data["started"], data["ended"], item.at
        else:
            self.incidents.add(item)
