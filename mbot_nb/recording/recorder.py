"""The recorder as its user sees it."""

from __future__ import annotations

import asyncio
import threading
import time
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..client import Client
from ..errors import UsageError
from ..server import Server
from .base import Recorded
from .capture.client_rows import ClientListener
from .capture.listener import Listener
from .capture.run_metadata import describe
from .capture.server_rows import ServerListener
from .files.formats import FORMATS
from .summary import overview
from .tables.command_table import CommandTable
from .tables.schema import known
from .tables.table import Table

if TYPE_CHECKING:
    import pandas as pd

    from ..client.sync import SyncClient
    from ..server.sync import SyncServer
    from .recording import Recording

__all__ = ["Recorder"]

MAX_PING_RATE = 1000.0
STOP_TIMEOUT = 2.0
"""Seconds that `stop` waits for a loop in another thread to write the end of the file."""


class Recorder(Recorded):
    """Everything that happens at a client, or at a server, as pandas DataFrames that may be read
    while it goes on.

        rec = mb.Recorder(bot)                  # records from here on
        await bot.drive(left=40, right=40)
        rec.events, rec.latency, rec.batches, rec.commands, rec.states
        rec.connection, rec.frames, rec.stalls

    It records until :meth:`stop`, until the end of a ``with`` or ``async with`` block, until what
    it listens to is closed, or until nobody holds it any more (its cell was run again). Its tables
    can be read afterwards, too. Any number of recorders may listen to one client or server.

    Units are in the names: ``_s`` seconds, ``_ms`` milliseconds. ``_s`` columns are readings of the
    monotonic clock, so that differences are durations across all tables; ``wall`` is the same
    moment in UTC. :attr:`columns` explains every column.

    Args:
        bot: what `mb.connect()` or `mb.sync.connect()` gave; or a server, whose recorder sees all
            of its clients.
        ping_rate: round trips to make per second, so that there is something in :attr:`latency`; 0
            for none but those that the client makes anyway. A server makes none.
        max_rows: each table keeps the newest rows in memory, this many. Older ones go to a
            temporary file, from where :meth:`to_recording` and :meth:`save` bring them back.
        text: keep the text of every message in :attr:`frames`.
        path: a file to write to while it records, as ``"run.mbot"``. Whatever ends this process,
            the file holds all but the last second; :meth:`Recording.load` opens it. A file that is
            there already is renamed. What cannot be written is told, and the run goes on in memory.

    Raises:
        UsageError: this is no client or server, or it was closed; or the path's ending says another
            format than ``.mbot``.
    """

    def __init__(
        self,
        bot: Client | Server | SyncClient | SyncServer,
        *,
        ping_rate: float = 5.0,
        max_rows: int = 200_000,
        text: bool = False,
        path: str | Path | None = None,
    ) -> None:
        source = getattr(bot, "client", None) or getattr(bot, "server", None) or bot
        if not isinstance(source, (Client, Server)):
            advice = "pass what `await mb.connect()` gives"
            if asyncio.iscoroutine(source):
                advice = "write `await` where it is made"
            what = type(source).__name__
            raise UsageError(f"mb.Recorder(...) needs a client or a server, not {what}: {advice}")
        if not 0 <= ping_rate <= MAX_PING_RATE:
            raise UsageError(
                f"ping_rate is a number of pings per second from 0 to {MAX_PING_RATE:g}, not "
                f"{ping_rate!r}"
            )
        if max_rows < 1:
            raise UsageError(f"max_rows must be 1 or more, not {max_rows!r}")
        if path is not None and Path(path).suffix.lower() in FORMATS[1:]:
            name = Path(path)
            raise UsageError(
                f"path={name.name!r}: while it records only {FORMATS[0]} can be written, which "
                f"survives a kill; record to path={name.stem + FORMATS[0]!r}, and then call "
                f"`rec.save({name.name!r})`"
            )
        self.source = source
        """The client or server that it listens to."""
        self.max_rows = max_rows
        self.ping_rate = ping_rate if isinstance(source, Client) else 0.0
        self.path = None if path is None else Path(path)
        kept: dict[str, Any] = {"max_rows": max_rows, "keep_text": text, "path": self.path}
        self._listener: Listener = (
            ClientListener(source, ping_rate=ping_rate, **kept)
            if isinstance(source, Client)
            else ServerListener(source, **kept)
        )
        self._listener.facts = describe(
            source,
            wall_offset=self._listener.wall_offset,
            started=time.monotonic(),
            recorder={"ping_rate": self.ping_rate, "max_rows": max_rows, "text": text},
        )
        self._wanted = False
        self._paused = False
        # The source holds the listener; when nobody holds this recorder any more, the listener must
        # not go on.
        ending = weakref.finalize(self, source.home.post, self._listener.stop)
        ending.atexit = False
        # A program that ends without a stop leaves a whole file.
        weakref.finalize(self, self._listener.writer.finish)
        self.start()

    @property
    def client(self) -> Client:
        """The client that it listens to.

        Raises:
            UsageError: it listens to a server.
        """
        if not isinstance(self.source, Client):
            raise UsageError("this recorder listens to a server, not to a client: see rec.source")
        return self.source

    # What it looks like.

    def __repr__(self) -> str:
        counts = ", ".join(
            f"{table.recorded} {name}" for name, table in self._tables().items() if table.recorded
        )
        return (
            f"<Recorder, {self._status}, {self.seconds:.1f} s: "
            f"{counts or 'nothing yet'}{self._remarks()}>"
        )

    def _repr_html_(self) -> str:
        rows = [
            (name, table.recorded, f"the oldest {table.dropped} were dropped from memory")
            if table.dropped
            else (name, table.recorded, "")
            for name, table in self._tables().items()
        ]
        words = f"{self._status}, {self.seconds:.1f} s of {self.source.url}{self._remarks()}"
        return overview("Recorder", words, rows, "rec")

    @property
    def _status(self) -> str:
        if self.recording:
            return "recording"
        return "paused" if self._paused and not self.source.closed else "stopped"

    def _remarks(self) -> str:
        writer = self._listener.writer
        remarks = ""
        if self.path is not None and writer.write_error is None:
            remarks += f"; written to {self.path}"
        if dropped := sum(table.dropped for table in self._tables().values()):
            remarks += (
                f"; the oldest {dropped} rows were dropped from memory (max_rows={self.max_rows})"
            )
        if writer.lost:
            remarks += f"; {writer.lost} rows are lost"
        return remarks if writer.write_error is None else f"{remarks}; {writer.write_error}"

    @property
    def trouble(self) -> str | None:
        """Why nothing can be written to the file at the moment, in words; None if nothing is
        wrong."""
        return self._listener.writer.write_error

    @property
    def recording(self) -> bool:
        """Whether it records now."""
        return self._wanted and not self.source.closed

    @property
    def seconds(self) -> float:
        return self._listener.elapsed

    # Starting and stopping.

    def start(self) -> Recorder:
        """Record, or go on recording. Idempotent.

        Raises:
            UsageError: the client or server was closed.
        """
        if self.source.closed:
            is_client = isinstance(self.source, Client)
            raise UsageError(
                f"this {'client' if is_client else 'server'} was closed, there is nothing to "
                "record: make a new one with "
                f"`{'bot = await mb.connect()' if is_client else 'await mb.serve()'}`"
            )
        self._wanted, self._paused = True, False
        self.source.home.post(self._listener.start)
        return self

    def pause(self) -> Recorder:
        """Record nothing until :meth:`start`; tables and file stay open, and `metadata["pauses"]`
        tells from when until when.

        Once more, or after :meth:`stop`, changes nothing.
        """
        self._paused = self._paused or self._wanted
        self._wanted = False
        self.source.home.post(self._listener.pause)
        return self

    def stop(self) -> Recorder:
        """Record no more; what there is can still be read. Idempotent."""
        self._wanted = self._paused = False
        home, listener = self.source.home, self._listener
        if self.path is None or home.is_here:
            home.post(listener.stop)
            return self
        # Whoever opens the file next finds it whole.
        over = threading.Event()
        if home.post(listener.stop) and home.post(over.set):
            over.wait(STOP_TIMEOUT)
        return self

    def clear(self) -> Recorder:
        """Forget all rows; if it records, it goes on."""
        self.source.home.post(self._listener.clear)
        return self

    def __enter__(self) -> Recorder:
        return self.start()

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    async def __aenter__(self) -> Recorder:
        return self.start()

    async def __aexit__(self, *exc_info: object) -> None:
        self.stop()

    # What it holds.

    def table(self, name: str) -> pd.DataFrame:
        return self._tables()[known(name)].frame()

    def total(self, table: str) -> int:
        return self._tables()[table].total

    def state(self) -> dict[str, Any]:
        """The robot's state as it is known now, in its sections."""
        return self._listener.state_now()

    @property
    def metadata(self) -> dict[str, Any]:
        return self._listener.metadata()

    def to_recording(self) -> Recording:
        """What was recorded so far, as it is now: it does not change any more, and can be kept,
        saved and compared.

        Rows that had to leave memory are in it, too. Where they could be written nowhere, and were
        too many to wait for that, :attr:`Recording.cut` says how many are missing.
        """
        from .files.spilled import with_spilled
        from .recording import Recording

        tables, missing = with_spilled(self._tables(), self._listener.writer)
        rows = {name: table.num_rows for name, table in tables.items()}
        cut = f"{missing} rows could not be written" if missing else None
        return Recording(tables, {**self.metadata, "rows": rows}, cut=cut)

    def save(self, path: str | Path, *, folder: str | None = None) -> Path:
        """Write what was recorded so far to a file, or to a folder; see :meth:`Recording.save`.
        Returns the path."""
        return self.to_recording().save(path, folder=folder)

    def _whole(self) -> Recorded:
        dropped = any(table.dropped for table in self._tables().values())
        return self.to_recording() if dropped else self

    def _tables(self) -> Mapping[str, Table | CommandTable]:
        return self._listener.all_tables
