"""The part of a recorder that lives on the loop of its client or server, and writes rows.

The client or server holds the listener, the user holds the recorder; the listener does not know the
recorder. So a recorder that nobody holds any more (its cell was run again) is collected, and its
listener ends.
"""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ...loops.home import Home
from ...loops.monitor import LoopMonitors, Stall
from ...protocol.client.outbox import SentBatch
from ..files.mbot_blocks import SINCE
from ..files.writer import Writer
from ..tables.command_table import CommandTable
from ..tables.schema import SCHEMA
from ..tables.state_table import StateReport, StateRows
from ..tables.table import ROWS_PER_PACK, ColumnsOf, Table
from .frame_rows import TYPES, FrameRows, batch_rows

__all__ = ["Listener"]

NOTABLE_STALL = 0.05
"""Seconds of a blocked loop that become a row of their own."""


class Listener(ABC):
    """The tables of one recorder, and what fills them, on the home loop. ``facts`` is what is known
    of the run beforehand."""

    def __init__(
        self,
        home: Home,
        *,
        max_rows: int,
        keep_text: bool,
        path: Path | None,
        command_table: Callable[..., CommandTable] = CommandTable,
    ) -> None:
        self.home = home
        self.wall_offset = wall_offset = time.time() - time.monotonic()
        self.facts: dict[str, Any] = {}
        self._frame_rows = FrameRows(keep_text=keep_text)
        columns_of: dict[str, ColumnsOf] = {
            "batches": batch_rows,
            "states": StateRows().columns,
            "frames": self._frame_rows.columns,
        }
        self.commands = command_table(
            SCHEMA["commands"], max_rows=max_rows, wall_offset=wall_offset
        )
        self.tables = {
            name: Table(
                name,
                columns,
                max_rows=max_rows,
                wall_offset=wall_offset,
                columns_of=columns_of.get(name),
            )
            for name, columns in SCHEMA.items()
            if name != "commands"
        }
        self.seconds = 0.0
        """Recorded in earlier stretches."""
        self.since: float | None = None
        """When the present stretch began."""
        self.pauses: list[list[float | None]] = []
        """From when until when it was paused; None: it still is, or was stopped meanwhile."""
        self._paused = False
        self.writer = Writer(
            self.all_tables, path, self._file_metadata, lambda: not home.loop.is_closed()
        )
        self._monitors = LoopMonitors(self._on_stall)
        self._unsubscribe: list[Callable[[], None]] = []
        self._batches = self.tables["batches"]
        self._frames = self.tables["frames"]
        self._keep_text = keep_text
        self._sent_batches: dict[bytes | str, SentBatch] = {}
        """Frames of commands that are about to go out, and what was written in them."""

    @property
    def all_tables(self) -> Mapping[str, Table | CommandTable]:
        """All of them, in the order of the schema."""
        return {name: self.commands if name == "commands" else self.tables[name] for name in SCHEMA}

    @property
    def recording(self) -> bool:
        """Whether rows are written now."""
        return self.since is not None

    @property
    def elapsed(self) -> float:
        """Seconds recorded until now, without pauses."""
        since = self.since
        return self.seconds + (0.0 if since is None else time.monotonic() - since)

    def metadata(self) -> dict[str, Any]:
        """What is to be known of the run now."""
        return {
            **self.facts,
            "seconds": round(self.elapsed, 6),
            "pauses": [list(pause) for pause in self.pauses],
            "rows": {name: table.recorded for name, table in self.all_tables.items()},
        }

    def _file_metadata(self) -> dict[str, Any]:
        """The metadata for the file; `since` lets a reader work out the duration if nothing
        follows."""
        since, seconds = self.since, self.seconds
        metadata = self.metadata()
        return (
            metadata if since is None else {**metadata, "seconds": round(seconds, 6), SINCE: since}
        )

    def start(self) -> None:
        """Begin to record. Idempotent."""
        if self.recording:
            return
        self.writer.start()
        self.since = time.monotonic()
        if self._paused:
            self._paused = False
            self.pauses[-1][1] = self.since
        self._monitors.watch(self._loops())
        self.writer.describe()
        self._unsubscribe = [*self._listen(), self._monitors.end]
        self._record_state(self.since)

    def pause(self) -> None:
        """Pause recording until :meth:`start`; the file stays open. Idempotent."""
        if self.since is not None:
            self._end_stretch()
            self._paused = True
            self.pauses.append([time.monotonic(), None])
            self.writer.describe()

    def stop(self) -> None:
        """Stop recording, and finish the file. Idempotent."""
        if self.since is not None:
            self._end_stretch()
        elif not self._paused:
            return
        self._paused = False
        self.writer.finish()

    def _end_stretch(self) -> None:
        """The present stretch is over."""
        assert self.since is not None
        now = time.monotonic()
        for stall in self._monitors.unfinished(now):
            # A cell that blocks and then stops the recorder leaves the loop no time to tell.
            self._record_stall(stall._replace(begin=max(stall.begin, self.since)))
        self.seconds += now - self.since
        self.since = None
        endings, self._unsubscribe = self._unsubscribe, []
        for end in endings:
            end()

    def clear(self) -> None:
        """Forget all rows."""
        for table in self.all_tables.values():
            table.clear()
        self.writer.clear()
        self.seconds = 0.0
        self.pauses = self.pauses[-1:] if self._paused else []
        if self.since is not None:
            self.since = time.monotonic()
        self.writer.describe()
        if self.since is not None:
            self._record_state(self.since)

    # For both sides.

    @abstractmethod
    def _listen(self) -> list[Callable[[], None]]:
        """Subscribe; returns what ends each subscription."""

    @abstractmethod
    def state_now(self) -> dict[str, Any]:
        """The robot's state as it is known now."""

    @abstractmethod
    def _record_state(self, at: float) -> None:
        """The whole state becomes rows, if there is one."""

    def _add_state(self, report: StateReport) -> None:
        self.tables["states"].add(report)

    def _on_frames(
        self,
        at: float,
        frames: Sequence[bytes] | str,
        messages: Sequence[Any] | None,
        client: int | None = None,
    ) -> None:
        """Frames went over the wire."""
        rows = self._frames.rows
        if messages is None:
            written = self._sent_batches
            for frame in frames:
                rows.append((at, "out", client, written.pop(frame, frame), -1, None, None))
        elif len(messages) == 1:
            # In one piece, since it is done for nearly every message that comes.
            message: Any = messages[0]
            text: Any = frames
            kind = type(message)
            size = len(text) if text.isascii() else len(text.encode(errors="replace"))
            kept = text if self._keep_text else None
            rows.append((at, "in", client, kept, size, TYPES.get(kind), message.sequence))
        else:
            rows.append((at, "in", client, frames, -1, None, None))
            self._batches.add((at, "in", len(messages), frames, client))
        if len(rows) >= ROWS_PER_PACK:
            self._frames.tidy()

    def _loops(self) -> list[asyncio.AbstractEventLoop]:
        """Those of this process that hold up what is recorded when they are blocked."""
        return [self.home.loop]

    def _on_stall(self, stall: Stall) -> None:
        """On the loop that was blocked."""
        if stall.seconds >= NOTABLE_STALL and not self.home.post(self._record_stall, stall):
            self._monitors.end()  # nobody is at home any more

    def _record_stall(self, stall: Stall) -> None:
        if stall.seconds >= NOTABLE_STALL and self.since is not None:
            self.tables["stalls"].append(stall.begin, stall.end, stall.seconds * 1e3, stall.loop)
