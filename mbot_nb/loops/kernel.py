"""The notebook that this process runs the cells of, if it does."""

from __future__ import annotations

import asyncio
import sys
import threading
from typing import Any

__all__ = ["lasting_loop", "shell"]


def shell() -> Any:
    """IPython's shell, or None outside of notebooks."""
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython is not None else None


def lasting_loop(loop: asyncio.AbstractEventLoop) -> asyncio.AbstractEventLoop:
    """The loop on which something is to live that is made on this one: itself, but for that of a
    kernel's subshell.

    Callbacks run in such a thread on ipykernel 7.1 to 7.3. It ends with the page, and its loop with
    it; that of the cells stays.
    """
    if type(threading.current_thread()).__module__ != "ipykernel.subshell":
        return loop
    kernel = getattr(shell(), "kernel", None)
    of_cells = getattr(getattr(kernel, "io_loop", None), "asyncio_loop", None)
    return of_cells if isinstance(of_cells, asyncio.AbstractEventLoop) else loop
