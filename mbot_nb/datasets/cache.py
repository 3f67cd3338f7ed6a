"""Recordings in other formats as Parquet files, made once, so that a question can be put to
hundreds of them."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from pathlib import Path

from ..errors import UsageError
from ..recording.recording import Recording
from ..recording.tables.schema import SCHEMA

__all__ = ["CACHE", "Cache"]

CACHE = ".mbot_nb-tables"
"""The folder, beside the recordings, for what was made of them. It can be deleted at any time."""
VERSION = 1
"""Of what is in there."""


class Cache:
    """Where the Parquet files of other recordings are: below their folder, or in a temporary one
    where nothing can be written."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._place = folder / CACHE
        self._temporary = False
        self._used: set[Path] = set()

    def has(self, path: Path) -> bool:
        """Whether the tables of this recording, as it is now, are there."""
        return self._cached_path(path).is_dir()

    def tables_of(self, path: Path) -> Path:
        """The folder with the tables of this recording; made, if it was not before or the recording
        has changed since.

        Raises:
            UsageError: it cannot be read as a recording.
        """
        found = self._cached_path(path)
        if not found.is_dir():
            recording = Recording.load(path)
            try:
                self._write(recording, found)
            except OSError:
                if self._temporary:
                    raise
                # The folder may be on a read-only disk, or somebody else's.
                self._place = Path(tempfile.mkdtemp(prefix="mbot_nb-tables-"))
                self._temporary = True
                found = self._cached_path(path)
                self._write(recording, found)
        self._used.add(found)
        return found

    def tidy(self) -> None:
        """Throw away what was made of recordings that have changed or gone since."""
        if self._place.is_dir():
            for old in [old for old in self._place.iterdir() if old not in self._used]:
                shutil.rmtree(old, ignore_errors=True)

    def close(self) -> None:
        """Leave nothing in a temporary place. What is beside the recordings stays for the next
        time."""
        if self._temporary:
            shutil.rmtree(self._place, ignore_errors=True)

    def size(self, path: Path) -> int:
        """The bytes of a recording's file or files."""
        return sum(file.stat().st_size for file in _files(path))

    def _cached_path(self, path: Path) -> Path:
        """Where its tables are kept; another path for every state of the file or files."""
        states = [(file.relative_to(self._folder).as_posix(), file.stat()) for file in _files(path)]
        state = [(name, state.st_size, state.st_mtime_ns) for name, state in states]
        return self._place / hashlib.sha256(json.dumps([VERSION, state]).encode()).hexdigest()[:32]

    def _write(self, recording: Recording, place: Path) -> None:
        """All of it or nothing: whoever opens the same folder meanwhile finds no half."""
        self._place.mkdir(parents=True, exist_ok=True)
        room = Path(tempfile.mkdtemp(prefix="making-", dir=self._place))
        self._used.add(room)
        try:
            recording.save(room, folder="parquet")
            room.rename(place)
        except (OSError, UsageError):
            shutil.rmtree(room, ignore_errors=True)
            if not place.is_dir():  # else another one was quicker
                raise


def _files(path: Path) -> list[Path]:
    """What a recording consists of."""
    if path.is_file():
        return [path]
    patterns = [pattern for name in SCHEMA for pattern in (f"table={name}/*", f"{name}.*")]
    return sorted(file for pattern in patterns for file in path.glob(pattern))
