"""Recordings as files: which format a path means, and what can go wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import UsageError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["FORMATS", "load", "save"]

FORMATS = (".mbot",)


def save(path: Path, tables: Mapping[str, pa.Table], metadata: Mapping[str, Any]) -> None:
    """Write a recording; what the path ends in says how.

    Raises:
        UsageError: no format is called so, or it cannot be written there.
    """
    from . import mbot_file

    if path.suffix not in FORMATS:
        raise UsageError(f"{path.name}: a recording is saved as {', '.join(FORMATS)}")
    try:
        mbot_file.write(path, tables, metadata)
    except OSError as error:
        raise UsageError(f"{path} cannot be written ({error.strerror}): choose another place, or make room there") from None


def load(path: Path) -> tuple[dict[str, pa.Table], dict[str, Any], str | None]:
    """Read a recording: its tables, its metadata, and what is missing at its end.

    Raises:
        UsageError: there is nothing there, or it is no recording.
    """
    from . import mbot_file

    try:
        opened = mbot_file.read(path.read_bytes())
    except OSError as error:
        raise UsageError(f"{path} cannot be read ({error.strerror}): is this the right folder?") from None
    except ValueError as error:
        raise UsageError(f"{path} is no recording that this version can read: {error}") from None
    metadata = opened.metadata
    if not opened.ended or "seconds" not in metadata:
        metadata["seconds"] = mbot_file.seconds_of(opened)
    return opened.tables, metadata, mbot_file.told(opened)
