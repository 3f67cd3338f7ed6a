"""What of mbot_nb this user has running on this machine, in whatever process: emulated robots and
servers, a small file each."""

from __future__ import annotations

import json
import logging
import os
import secrets
import time
from pathlib import Path
from typing import Literal, NamedTuple

from ..errors import UsageError
from . import paths

__all__ = ["Instance", "InstanceKind", "forget", "register", "running"]

_log = logging.getLogger("mbot_nb")

InstanceKind = Literal["emulator", "server"]


class Instance(NamedTuple):
    """A running emulator or server."""

    what: InstanceKind
    name: str
    """``cyberpi`` or ``mbot`` of an emulator; the robot's id of a server."""
    address: str
    """What pyserial opens, or what clients connect to."""
    pid: int
    started: float
    """Unix time, s."""
    port: str = ""
    """Of a server: the serial port that it drives its robot by, if it does."""


def register(what: InstanceKind, name: str, address: str, *, port: str = "") -> Path:
    """Let others find something of this process; returns the file, for :func:`forget`.

    Raises:
        UsageError: the folder cannot be used.
    """
    path = paths.runtime() / f"{what}-{os.getpid()}-{secrets.token_hex(4)}.json"
    instance = Instance(what, name, address, os.getpid(), time.time(), port)
    unfinished = path.with_suffix(".tmp")
    try:
        unfinished.write_text(json.dumps(instance._asdict()), encoding="utf-8")
        unfinished.replace(path)
    except OSError as error:
        raise UsageError(
            f"the folder {path.parent} of what runs now cannot be written to: {error.strerror}; "
            "set MBOT_NB_RUNTIME_DIR to a folder of your own"
        ) from None
    return path


def forget(path: Path) -> None:
    """Remove the file of something that has ended. Idempotent."""
    path.unlink(missing_ok=True)


def running(what: InstanceKind) -> list[Instance]:
    """Return the running ones of a kind, oldest first; none, with a warning, where they cannot be
    listed. Removes files that a killed process left."""
    try:
        folder = paths.runtime()
    except UsageError as error:
        _log.warning("what runs on this machine cannot be looked up: %s", error)
        return []
    instances = []
    for path in folder.glob(f"{what}-*.json"):
        try:
            instance = Instance(**json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            continue  # it has just ended
        except (ValueError, TypeError):
            forget(path)  # not one of ours
            continue
        if _is_running(instance.pid):
            instances.append(instance)
        else:
            forget(path)
    return sorted(instances, key=lambda instance: instance.started)


def _is_running(pid: int) -> bool:
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
