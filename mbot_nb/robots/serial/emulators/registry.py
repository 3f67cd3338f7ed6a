"""Which emulators this user has running: one small file each, in a folder that is the user's alone."""

from __future__ import annotations

import json
import os
import secrets
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

__all__ = ["Entry", "folder", "forget", "register", "running"]


class Entry(NamedTuple):
    """One emulator that runs."""

    kind: str
    """``cyberpi`` or ``mbot``."""
    address: str
    """What pyserial opens."""
    pid: int
    started: float
    """Unix time, s."""


def folder() -> Path:
    """The folder, made if it is not there. ``MBOT_NB_RUNTIME_DIR`` names another."""
    chosen = os.environ.get("MBOT_NB_RUNTIME_DIR")
    if chosen:
        path = Path(chosen)
    elif os.environ.get("XDG_RUNTIME_DIR"):
        path = Path(os.environ["XDG_RUNTIME_DIR"], "mbot_nb")
    else:
        user = str(os.getuid()) if hasattr(os, "getuid") else os.environ.get("USERNAME", "user")
        path = Path(tempfile.gettempdir(), f"mbot_nb-{user}")
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    if hasattr(os, "getuid") and path.stat().st_uid != os.getuid():
        raise PermissionError(f"{path} belongs to somebody else: set MBOT_NB_RUNTIME_DIR to a folder of your own")
    return path


def register(kind: str, address: str) -> Path:
    """Let others find an emulator of this process; returns the file, for :func:`forget`."""
    path = folder() / f"emulator-{os.getpid()}-{secrets.token_hex(4)}.json"
    entry = Entry(kind, address, os.getpid(), time.time())
    unfinished = path.with_suffix(".tmp")
    unfinished.write_text(json.dumps(entry._asdict()), encoding="utf-8")
    unfinished.replace(path)
    return path


def forget(path: Path) -> None:
    """It runs no more."""
    path.unlink(missing_ok=True)


def running() -> list[Entry]:
    """The emulators that run, oldest first. What a killed one left behind is cleared away."""
    entries = []
    for path in folder().glob("emulator-*.json"):
        try:
            entry = Entry(**json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            continue  # it has just ended
        except (ValueError, TypeError):
            forget(path)  # not one of ours
            continue
        if _alive(entry.pid):
            entries.append(entry)
        else:
            forget(path)
    return sorted(entries, key=lambda entry: entry.started)


def _alive(pid: int) -> bool:
    """Whether such a process runs. On Windows asking would end it, so there it is believed."""
    if os.name != "posix":
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
