"""The recorder as its user sees it."""

from __future__ import annotations

import asyncio
import time
import weakref
from html import escape
from types import TracebackType
from typing import TYPE_CHECKING

from ..client import Client
from ..errors import UsageError
from .commands import CommandTable
from .listener import Listener
from .schema import SCHEMA
from .summary import Summary, summarise
from .tables import Table

if TYPE_CHECKING:
    import pandas as pd

    from ..sync import SyncClient

__all__ = ["Recorder"]

MAX_PING_RATE = 1000.0


class Recorder:
    """Everything that happens between a client and its server, as pandas DataFrames that may be read while it goes on.

        rec = mb.Recorder(bot)                  # records from here on
        await bot.drive(left=40, right=40)
        rec.events, rec.latency, rec.batches, rec.commands, rec.connection, rec.stalls

    It records until :meth:`stop`, until the end of a ``with`` or ``async with`` block, until the client is closed, or until
    nobody holds it any more (its cell was run again). Its tables can be read afterwards, too. Any number of recorders may
    listen to one client.

    Units are in the names: ``_s`` seconds, ``_ms`` milliseconds. ``_s`` columns are readings of the monotonic clock, so that
    differences are durations across all tables; ``wall`` is the same moment in UTC. :attr:`columns` explains every column.

    Args:
        bot: what `mb.connect()` or `mb.sync.connect()` gave.
        ping_rate: round trips to make per second, so that there is something in :attr:`latency`; 0 for none but those that
            the client makes anyway.
        max_rows: each table keeps the newest rows, this many.

    Raises:
        UsageError: this is no client, or it was closed.
    """

    def __init__(self, bot: Client | SyncClient, *, ping_rate: float = 5.0, max_rows: int = 200_000) -> None:
        client = getattr(bot, "client", bot)
        if not isinstance(client, Client):
            advice = "write `await` where it is made" if asyncio.iscoroutine(client) else "pass what `await mb.connect()` gives"
            raise UsageError(f"mb.Recorder(...) needs a client, not {type(client).__name__}: {advice}")
        if not 0 <= ping_rate <= MAX_PING_RATE:
            raise UsageError(f"ping_rate is a number of pings per second from 0 to {MAX_PING_RATE:g}, not {ping_rate!r}")
        if max_rows < 1:
            raise UsageError(f"max_rows must be 1 or more, not {max_rows!r}")
        self.client = client
        self.max_rows = max_rows
        self.ping_rate = ping_rate
        self._listener = Listener(client, ping_rate=ping_rate, max_rows=max_rows)
        self._wanted = False
        # The client holds the listener; when nobody holds this recorder any more, the listener must not go on.
        ending = weakref.finalize(self, client.home.post, self._listener.stop)
        ending.atexit = False
        self.start()

    # What it looks like.

    def __repr__(self) -> str:
        counts = ", ".join(f"{table.total} {name}" for name, table in self._tables().items() if table.total)
        state = "recording" if self.recording else "stopped"
        dropped = sum(table.dropped for table in self._tables().values())
        gone = f"; the oldest {dropped} rows were dropped (max_rows={self.max_rows})" if dropped else ""
        return f"<Recorder, {state}, {self.seconds:.1f} s: {counts or 'nothing yet'}{gone}>"

    def _repr_html_(self) -> str:
        left = "style='text-align:left'"
        state = "recording" if self.recording else "stopped"
        rows = "".join(
            f"<tr><td {left}><code>rec.{name}</code></td><td>{table.total}</td><td {left}>{escape(_SUBJECTS[name])}"
            f"{f' (the oldest {table.dropped} were dropped)' if table.dropped else ''}</td></tr>"
            for name, table in self._tables().items()
        )
        caption = f"<caption {left}><b>Recorder</b>, {state}, {self.seconds:.1f} s of {escape(self.client.url)}</caption>"
        return f"<table>{caption}<tr><th {left}>table</th><th>rows</th><th {left}>one row for each</th></tr>{rows}</table>"

    @property
    def recording(self) -> bool:
        """Whether it records now."""
        return self._wanted and self.client.connection_state != "disconnected"

    @property
    def seconds(self) -> float:
        """How long it has recorded, without pauses."""
        listener = self._listener
        since = listener.since
        return listener.seconds + (0.0 if since is None else time.monotonic() - since)

    # Starting and stopping.

    def start(self) -> Recorder:
        """Record, or go on recording. Once more changes nothing.

        Raises:
            UsageError: the client was closed.
        """
        if self.client.connection_state == "disconnected":
            raise UsageError("this client was closed, there is nothing to record: make a new one with `bot = await mb.connect()`")
        self._wanted = True
        self.client.home.post(self._listener.start)
        return self

    def stop(self) -> Recorder:
        """Record no more; what there is can still be read. Once more changes nothing."""
        self._wanted = False
        self.client.home.post(self._listener.stop)
        return self

    def clear(self) -> Recorder:
        """Forget all rows; if it records, it goes on."""
        self.client.home.post(self._listener.clear)
        return self

    def __enter__(self) -> Recorder:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.stop()

    async def __aenter__(self) -> Recorder:
        return self.start()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    # The tables.

    @property
    def events(self) -> pd.DataFrame:
        """Every event that came, in order: `time_s`, `wall`, `name`, `sequence`, `data` (JSON text)."""
        return self._frame("events")

    @property
    def latency(self) -> pd.DataFrame:
        """One row for each round trip: `sent_s`, `received_s`, `wall`, `id`, `rtt_ms`, `loop_lag_ms`.

        Where `loop_lag_ms` is not 0 this notebook's own loop was blocked (by a cell, say) while the answer was on its way: that
        time belongs to the notebook, not to the network.
        """
        return self._frame("latency")

    @property
    def batches(self) -> pd.DataFrame:
        """One row for each frame of commands: `time_s`, `wall`, `reason`, `messages`, `bytes`, `wait_mean_ms`, `wait_max_ms`."""
        return self._frame("batches")

    @property
    def commands(self) -> pd.DataFrame:
        """One row for each command sent, and for each that could not be: `name`, `sequence`, `queued_s`, `wall` (of `queued_s`),
        `sent_s`, `acknowledged_s`, `answered_s`, `outcome`, `error`. A row is completed as its command goes on.
        """
        return self._frame("commands")

    @property
    def connection(self) -> pd.DataFrame:
        """Every change of the connection, and every attempt: `time_s`, `wall`, `state`, `previous`, `attempt`,
        `next_attempt_in_s`, `reason`, `resumed`.
        """
        return self._frame("connection")

    @property
    def stalls(self) -> pd.DataFrame:
        """When this notebook's own loop was blocked for 50 ms or more: `begin_s`, `wall`, `end_s`, `blocked_ms`."""
        return self._frame("stalls")

    @property
    def columns(self) -> pd.DataFrame:
        """What each column of each table means: `table`, `column`, `meaning`."""
        import pandas as pd

        rows = [(table, column.name, column.meaning) for table, columns in SCHEMA.items() for column in columns]
        return pd.DataFrame(rows, columns=["table", "column", "meaning"])

    def summary(self) -> Summary:
        """The run in a few numbers: distance driven, events, commands and frames, latency, stalls, reconnects."""
        return summarise(self)

    def total(self, table: str) -> int:
        """How many rows a table (by its name, as ``"events"``) has had, with those that were dropped or cleared."""
        return self._tables()[table].total

    def _tables(self) -> dict[str, Table | CommandTable]:
        """All of them, in the order of the schema."""
        listener = self._listener
        return {name: listener.commands if name == "commands" else listener.tables[name] for name in SCHEMA}

    def _frame(self, name: str) -> pd.DataFrame:
        return self._tables()[name].frame()


_SUBJECTS = {
    "events": "event of the robot, the server or a handler",
    "latency": "round trip",
    "batches": "frame of commands",
    "commands": "command",
    "connection": "change of the connection",
    "stalls": "time this notebook's loop was blocked, 50 ms or more",
}
