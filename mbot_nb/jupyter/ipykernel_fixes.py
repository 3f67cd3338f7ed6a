"""Fixes for ipykernel 7, so that every message is handled and the end of every cell is reported.

7.0 to 7.3 write their replies past the stream that reads the same socket, and so lose its wake-up
(ipykernel issue 1554, fixed in 7.4): a cell to be run, or a click on Stop, that arrives in that
moment waits until somebody else connects.

7.4.0 handles a widget's message while a cell awaits, and afterwards restores the parent of the cell
before, though the next one may run by then: the end of that one is reported as the other's, and
JupyterLab waits for it for ever.

`mb.connect` and `mb.serve` fix both. ``%load_ext mbot_nb.jupyter.ipykernel_fixes`` in the kernel's
configuration does so from its start.
"""

from __future__ import annotations

import sys
from typing import Any

from .cells import shell

__all__ = ["apply", "load_ipython_extension"]


def apply() -> None:
    """Let this kernel handle each message at once, and report the end of each cell. Does nothing
    on kernels without these faults. Idempotent."""
    version = getattr(sys.modules.get("ipykernel"), "version_info", (0,))
    kernel: Any = getattr(shell(), "kernel", None)
    channel = getattr(kernel, "shell_channel_thread", None)
    if (7,) <= version < (7, 4) and channel is not None:
        channel.manager._shell_socket = kernel.shell_stream
    if version >= (7, 4) and kernel is not None and "set_parent" not in vars(kernel):
        _keep_to_the_running_cell(kernel)


def _keep_to_the_running_cell(kernel: Any) -> None:
    """Take up the cell that runs now, not the one that ran when the page's message came."""
    set_parent = kernel.set_parent

    def keep(ident: Any, parent: Any, channel: str = "shell") -> None:
        if sys._getframe(1).f_code.co_name == "shell_main":
            # The message was handled in a context of its own: in this one only the next cell can
            # have changed it.
            ident, parent = kernel._shell_parent_ident.get(), kernel._shell_parent.get()
        set_parent(ident, parent, channel)

    kernel.set_parent = keep


def load_ipython_extension(ipython: Any) -> None:
    """What IPython calls for ``%load_ext`` and for what its configuration names."""
    apply()
