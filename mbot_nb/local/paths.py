"""The folders of this user's files; none is made before it is needed."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from ..errors import UsageError

__all__ = ["config", "runtime"]

_ADVICE = "set MBOT_NB_RUNTIME_DIR to a folder of your own"


def runtime() -> Path:
    """The folder of what runs now, made if it is not there, and the user's alone.
    ``MBOT_NB_RUNTIME_DIR`` names another.

    Raises:
        UsageError: it cannot be made, or is somebody else's.
    """
    chosen = os.environ.get("MBOT_NB_RUNTIME_DIR")
    if chosen:
        path = Path(chosen)
    elif os.environ.get("XDG_RUNTIME_DIR"):
        path = Path(os.environ["XDG_RUNTIME_DIR"], "mbot_nb")
    else:
        user = str(os.getuid()) if hasattr(os, "getuid") else os.environ.get("USERNAME", "user")
        path = Path(tempfile.gettempdir(), f"mbot_nb-{user}")
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        own = not hasattr(os, "getuid") or path.stat().st_uid == os.getuid()
    except OSError as error:
        raise UsageError(
            f"the folder {path} of what runs now cannot be made: {error.strerror}; {_ADVICE}"
        ) from None
    if not own:
        raise UsageError(f"the folder {path} of what runs now belongs to somebody else; {_ADVICE}")
    return path


def config() -> Path:
    """The folder of what is kept, not made yet. ``MBOT_NB_CONFIG_DIR`` names another."""
    chosen = os.environ.get("MBOT_NB_CONFIG_DIR")
    if chosen:
        return Path(chosen)
    if sys.platform == "win32":
        return Path(os.environ.get("APPDATA") or Path.home() / "AppData" / "Roaming", "mbot_nb")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "mbot_nb"
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config", "mbot_nb")
