"""Carries rows from tables to a file, from a thread of its own, so that no disk ever holds up a
loop.

Two uses: a recorder with a path writes everything four times a second, so that a killed process
loses no more than that; one without writes only what has to leave memory, into a temporary file
that is gone when the recorder is.
"""

from __future__ import annotations

import logging
import os
import tempfile
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import msgspec

from ..tables.columns import Chunk
from ..tables.command_table import CommandTable
from ..tables.schema import SCHEMA
from .mbot_blocks import block

if TYPE_CHECKING:
    from ...protocol.client.outbox import OutgoingCommand
    from ..tables.table import Table
    from .mbot_file import FileContents

__all__ = ["Writer"]

_log = logging.getLogger("mbot_nb")

PERIOD = 0.25
"""Seconds between two writings: what a kill loses at most, with the time that one of them takes."""
RETRY_AFTER = 5.0
"""Seconds until it is tried again to write where it could not be."""

_to_json = msgspec.json.Encoder().encode


class Writer:
    """Writes a recorder's tables.

    Args:
        tables: in the order of the schema.
        path: of the file; None for a temporary one, of what has to leave memory.
        metadata: what is to be known of the run, now.
        alive: whether more can come at all.
    """

    def __init__(
        self,
        tables: Mapping[str, Table | CommandTable],
        path: Path | None,
        metadata: Callable[[], dict[str, Any]],
        alive: Callable[[], bool],
    ) -> None:
        self.path = path
        self.write_error: str | None = None
        """Why nothing can be written at the moment, in words."""
        self.lost = 0
        """Rows that had to leave memory and could not be written."""
        self._tables = tables
        self._metadata = metadata
        self._alive = alive
        self._file: BinaryIO | None = None
        self._size = 0
        self._written = dict.fromkeys(SCHEMA, 0)
        """The number of the next row to be written, of each table."""
        self._spilled: deque[tuple[str, Chunk]] = deque()
        self._waiting = 0
        """Rows that wait in there, and how many may."""
        self._max_waiting = 8 * max(table.max_rows for table in tables.values()) + 100_000
        self._queue = threading.Lock()
        commands = tables["commands"]
        assert isinstance(commands, CommandTable)
        self._commands = commands
        self._known_commands: dict[OutgoingCommand, tuple[Any, ...]] = {}
        """Commands under way, as they were written last."""
        self._ended = True
        self._changes = self._described = 0
        """How often the metadata have changed, and had when they were written."""
        self._not_before = 0.0
        self._lock = threading.RLock()
        self._stop: threading.Event | None = None
        for table in tables.values():
            table.spill = self._on_spill

    # When.

    def start(self) -> None:
        """Begin to write; idempotent. Without a path it begins when something has to
        leave memory."""
        if self.path is not None:
            import pyarrow  # noqa: F401 - now, and not while something is measured

            self._write()
            self._run()

    def finish(self) -> None:
        """Write what there is, and say that nothing is missing. Another :meth:`start` may
        follow."""
        stop, self._stop = self._stop, None
        if stop is not None:
            stop.set()
        if self.path is not None or self._spilled:
            self._not_before = 0.0
            self._write(last=True)

    def describe(self) -> None:
        """The metadata have changed: they are written once more, with the next rows."""
        self._changes += 1

    def sync(self) -> None:
        """Write what there is to be written now."""
        self._not_before = 0.0
        self._write()

    def clear(self) -> None:
        """All rows until now are forgotten, in the file as well."""
        with self._lock:
            with self._queue:
                self._spilled.clear()
                self._waiting = self.lost = 0
            self._known_commands.clear()
            self._written = {name: table.total for name, table in self._tables.items()}
            if self._file is None:
                return
            firsts = enumerate(self._written[name] for name in SCHEMA)
            try:
                self._append(b"".join(block(b"C", b"", table=n, first=at) for n, at in firsts))
            except OSError as error:
                self._failed(error, time.monotonic())

    def read(self) -> FileContents | None:
        """What is in the file; None if there is none."""
        from .mbot_file import read

        with self._lock:
            if self._file is None:
                return None
            self._file.seek(0)
            data = self._file.read(self._size)
            self._file.seek(self._size)
        return read(data)

    def waiting(self) -> dict[str, list[Chunk]]:
        """What has left memory and is not written yet, of each table."""
        found: dict[str, list[Chunk]] = {}
        with self._queue:
            for name, chunk in self._spilled:
                found.setdefault(name, []).append(chunk)
        return found

    # Inside.

    def _run(self) -> None:
        if self._stop is None:
            self._stop = threading.Event()
            threading.Thread(
                target=self._work, args=(self._stop,), name="mbot_nb-writer", daemon=True
            ).start()

    def _work(self, stop: threading.Event) -> None:
        while not stop.wait(PERIOD):
            if not self._alive():
                self.finish()
                return
            self._write()

    def _on_spill(self, table: Table, chunk: Chunk) -> None:
        """These rows leave memory: they wait here until they are written."""
        if self._written[table.name] >= chunk.end:
            return
        with self._queue:
            self._spilled.append((table.name, chunk))
            self._waiting += chunk.end - chunk.first
            while self._waiting > self._max_waiting and len(self._spilled) > 1:
                _, oldest = self._spilled.popleft()
                self._waiting -= oldest.end - oldest.first
                self.lost += oldest.end - oldest.first
        if self.path is None:
            self._run()

    def _write(self, *, last: bool = False) -> None:
        """Bring the file up to date. What cannot be written is said once, and tried again later."""
        with self._lock:
            now = time.monotonic()
            if now < self._not_before:
                return
            try:
                self._open_file()
                self._write_new_rows()
                if last and not self._ended:
                    self._append(block(b"M", _to_json(self._metadata())) + block(b"E", b""))
                    self._ended = True
            except OSError as error:
                self._failed(error, now)
            except Exception as error:
                # Whatever it is: the run goes on, and somebody is told.
                _log.exception("the recorder's rows could not be written down")
                self._failed(error, now)
            else:
                if self.write_error is not None:
                    self.write_error = None
                    _log.warning("the recording is written to %s again", self._place)

    @property
    def _place(self) -> str:
        return "a temporary file" if self.path is None else str(self.path)

    def _failed(self, error: Exception, now: float) -> None:
        self._not_before = now + RETRY_AFTER
        if self.write_error is None:
            why = getattr(error, "strerror", None) or error
            self.write_error = f"{self._place} cannot be written: {why}"
            then = (
                "the newest rows stay in memory, the oldest are dropped. Make room there, or raise "
                "max_rows."
                if self.path is None
                else "the run goes on in memory. Make room there, or keep what there is with "
                f"rec.save(...) somewhere else; it is tried again every {RETRY_AFTER:g} s."
            )
            _log.error("%s; %s", self.write_error, then)

    def _open_file(self) -> None:
        if self._file is not None:
            return
        from .mbot_file import file_head

        if self.path is None:
            file: BinaryIO = tempfile.TemporaryFile(prefix="mbot_nb-", buffering=0)  # noqa: SIM115 - it stays open
        else:
            _rename_existing(self.path)
            file = self.path.open("x+b", buffering=0)
        # Not before: another stretch may follow, and then the name may be another file's.
        weakref.finalize(self, file.close).atexit = False
        self._file = file
        self._append(file_head(self._metadata()))
        self._ended = False

    def _append(self, data: bytes) -> None:
        """Append; nothing stays in the file of what does not fit whole."""
        file = self._file
        assert file is not None
        view = memoryview(data)
        done = 0
        try:
            while done < len(data):
                done += file.write(view[done:])
        except OSError:
            os.ftruncate(file.fileno(), self._size)
            file.seek(self._size)
            raise
        self._size += len(data)

    def _write_new_rows(self) -> None:
        from .mbot_file import numbered_block, rows_block

        found: list[tuple[str, Chunk]] = []
        if self.path is not None:
            for name, table in self._tables.items():
                found += [(name, chunk) for chunk in table.chunks(self._written[name])]
        # In this order: what leaves memory between the two is in both, and not in neither.
        with self._queue:
            found += self._spilled
        found.sort(key=lambda item: item[1].first)
        written = dict(self._written)
        blocks = []
        for name, chunk in found:
            if chunk.end > written[name]:
                labels = self._tables[name].labels()
                blocks.append(rows_block(name, chunk, labels, since=written[name]))
                written[name] = chunk.end
        seen = dict(self._known_commands)
        under_way = self._commands.under_way(seen) if self.path is not None else None
        if under_way is not None:
            blocks.append(numbered_block(*under_way))
        changes = self._changes
        if changes != self._described and self.path is not None:
            blocks.insert(0, block(b"M", _to_json(self._metadata())))
        if blocks:
            self._ended = False
            self._append(b"".join(blocks))
        # Only now: what could not be written is still to be written.
        self._written, self._known_commands, self._described = written, seen, changes
        with self._queue:
            while self._spilled and self._spilled[0][1].end <= written[self._spilled[0][0]]:
                _, chunk = self._spilled.popleft()
                self._waiting -= chunk.end - chunk.first


def _rename_existing(path: Path) -> None:
    """What has this name already is another run's: it is kept under the next free one."""
    if not path.exists():
        return
    number = 1
    while (kept := path.with_name(f"{path.stem}.{number}{path.suffix}")).exists():
        number += 1
    path.rename(kept)
    print(f"{path.name} was there already: the earlier recording is {kept.name} now.")
