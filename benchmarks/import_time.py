"""``import_time``: the time of importing mbot_nb, beside importing websockets and msgspec alone."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
from functools import partial
from pathlib import Path

from .figures import Comparison, Goal
from .harness import Contender

__all__ = ["comparisons"]

_ROOT = Path(__file__).resolve().parent.parent
_OURS = "import mbot_nb as mb; mb.connect; mb.serve"
_THEIRS = "import websockets.asyncio.client, websockets.asyncio.server, msgspec"
_TIMED = "from time import perf_counter as now; t = now(); {statement}; print(now() - t)"


def comparisons() -> list[Comparison]:
    """What this module measures."""
    return [
        Comparison(
            name="import_time",
            ours=Contender("ours: import", partial(import_time, _OURS)),
            theirs=Contender("websockets and msgspec: import", partial(import_time, _THEIRS)),
            unit="ms",
            goal=Goal(ratio_at_most=1.5),
            how=(
                f"`{_OURS}` against `{_THEIRS}`, timed inside a fresh interpreter each, its own "
                "start not counted, "
                "compiled modules on disk"
            ),
        )
    ]


async def import_time(statement: str) -> float:
    """Milliseconds that ``statement`` takes in a fresh interpreter: the second one, for the first
    one may have to compile.

    Raises:
        RuntimeError: when the statement fails.
    """
    await _timed(statement)
    return await _timed(statement)


def _compiled() -> dict[str, str]:
    """The environment in which Python keeps what it compiles, as an installation does, whatever
    this shell forbids."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


async def _timed(statement: str) -> float:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        _TIMED.format(statement=statement),
        stdout=PIPE,
        stderr=PIPE,
        cwd=_ROOT,
        env=_compiled(),
    )
    output, errors = await process.communicate()
    if process.returncode != 0:
        raise RuntimeError(f"`{statement}` failed in a fresh interpreter:\n{errors.decode()}")
    return float(output) * 1000
