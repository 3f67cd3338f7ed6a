"""A kernel that hears every message, on ipykernel 7.0 to 7.3 too.

Those write their replies past the stream that reads the same socket, and so lose its wake-up (ipykernel issue 1554, mended in
7.4): a cell to be run, or a click on Stop, that arrives in that moment waits until somebody else connects.
`mb.connect` and `mb.serve` mend it; ``%load_ext mbot_nb.wakeups`` does from a kernel's start, if its configuration names it.
"""

from __future__ import annotations

import sys
from typing import Any

from .cells import shell

__all__ = ["load_ipython_extension", "mend"]


def mend() -> None:
    """Let this kernel send through its stream from now on, as ipykernel 7.4 does; nothing on other kernels."""
    version = getattr(sys.modules.get("ipykernel"), "version_info", (0,))
    kernel: Any = getattr(shell(), "kernel", None)
    channel = getattr(kernel, "shell_channel_thread", None)
    if (7,) <= version < (7, 4) and channel is not None:
        channel.manager._shell_socket = kernel.shell_stream


def load_ipython_extension(ipython: Any) -> None:
    """What IPython calls for ``%load_ext`` and for what its configuration names."""
    mend()
