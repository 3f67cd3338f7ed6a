"""What of a sweep is done: a file of finished points that survives an interruption at any
moment."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from .. import commands
from ..errors import UsageError
from ..version import __version__

__all__ = ["Finished", "key"]

FORMAT = "mbot_nb sweep 1"


def key(point: Mapping[str, Any], repeat: int) -> str:
    """One text for each experiment of a sweep."""
    return json.dumps(
        [{name: plain(value) for name, value in point.items()}, repeat], sort_keys=True
    )


def plain(value: Any) -> Any:
    """A parameter as JSON knows it: a network by its numbers, NumPy's numbers as Python's."""
    return (
        {"Network": msgspec.to_builtins(value)}
        if isinstance(value, msgspec.Struct)
        else commands.plain(value)
    )


class Finished:
    """The finished points, in memory and, with a ``path``, on disk: JSON lines, one a point,
    written when it is finished.

    Raises:
        UsageError: the file belongs to another sweep, is damaged, or cannot be written.
    """

    def __init__(self, path: Path | None, *, seed: int, measure: str) -> None:
        self.rows: dict[str, dict[str, Any]] = {}
        self._path = path
        self._head = {"format": FORMAT, "seed": seed, "measure": measure, "version": __version__}
        if path is not None:
            try:
                self._read(path)
            except OSError as error:
                raise UsageError(
                    f"{path} cannot be used to note what is finished ({error}): name another file "
                    "with path=..."
                ) from None

    def add(self, point: Mapping[str, Any], repeat: int, figures: Mapping[str, Any]) -> None:
        """Note one finished point; on disk when it returns."""
        found = self.rows[key(point, repeat)] = commands.plain(figures)
        if self._path is not None:
            where = {name: plain(value) for name, value in point.items()}
            self._append(self._path, {"point": where, "repeat": repeat, "figures": found})

    def _read(self, path: Path) -> None:
        if not path.exists() or not path.stat().st_size:
            self._append(path, self._head)
            return
        data = path.read_bytes()
        whole = data[: data.rfind(b"\n") + 1]
        if len(whole) < len(data):
            # Interrupted while it wrote: that point is measured again.
            with path.open("r+b") as file:
                file.truncate(len(whole))
        try:
            head, *rows = [json.loads(line) for line in whole.splitlines()] or [self._head]
            self.rows = {key(row["point"], row["repeat"]): row["figures"] for row in rows}
            self._check(path, head)
        except (ValueError, KeyError, TypeError) as error:
            raise UsageError(
                f"{path} is no file of a sweep, or is damaged ({error}): name another one with "
                "path=..."
            ) from None
        if not whole:
            self._append(path, self._head)

    def _check(self, path: Path, head: Mapping[str, Any]) -> None:
        if head["format"] != FORMAT:
            raise ValueError(f"it says it is {head['format']!r}")
        for name in ("seed", "measure", "version"):
            if head[name] != self._head[name]:
                raise UsageError(
                    f"{path} holds points of another sweep, with {name} {head[name]!r} instead of "
                    f"{self._head[name]!r}: "
                    "go on with that one, or name another file with path=..."
                )

    @staticmethod
    def _append(path: Path, line: Mapping[str, Any]) -> None:
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
            file.flush()
            os.fsync(file.fileno())
