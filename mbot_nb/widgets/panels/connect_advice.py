"""What to do about a connection that cannot be made, for somebody who clicks and types no code."""

from __future__ import annotations

from ...errors import ConnectError
from .command import advised

__all__ = ["for_clicking"]

_TOKEN = (
    'open "Token and batching", type the token that the server was started with, and press Connect.'
)
_SERVER = "Start a server there first (`server = await mb.serve()`), check the port"
_MACHINE = "Is the other machine on, in the same network, and not behind a firewall?"

_ADVICE = {
    "refused": (f"{_SERVER}, or choose the simulator.", f"{_SERVER}; this panel keeps trying."),
    "name": (
        "Check the spelling, or use the number, as in ws://192.168.1.20:4000.",
        "Is this machine still in the network?",
    ),
    "timeout": (f"{_MACHINE} Then press Connect again.", f"{_MACHINE} This panel keeps trying."),
    "silent": (
        "Is it a WebSocket V2 server? Check host and port.",
        "Is it a WebSocket V2 server? Look at its output.",
    ),
    "tls": (
        "The server's certificate is not trusted here: connect in a cell, "
        "`bot = await mb.connect(url, ssl=ssl.create_default_context(cafile=...))`, and show "
        "`mb.widgets.ConnectPanel(bot)`.",
    )
    * 2,
    "http": ("Something else answers at this address: check host and port.",) * 2,
    "address": ("An address looks like ws://localhost:4000.",) * 2,
    "version": ("Update mbot_nb on both sides.",) * 2,
    "token": (_TOKEN[0].upper() + _TOKEN[1:], f"Press Disconnect, {_TOKEN}"),
    "reset": (
        "Is it a WebSocket server? Check host and port.",
        "Is it a WebSocket server? Look at its output.",
    ),
    "closed": (
        "Look at the server's output, then press Connect again.",
        "Look at the server's output, then press Retry now.",
    ),
    "replaced": (
        "Press Connect again.",
        "Another client took this session over. Press Disconnect, then Connect.",
    ),
}
"""By the kind of a :class:`ConnectError`: without a robot, and after a lost connection."""


def for_clicking(error: BaseException, *, has_bot: bool) -> str:
    """An error in words, with what can be done about it in the connection panel."""
    if isinstance(error, ConnectError) and error.kind in _ADVICE:
        reason = error.reason
        if error.kind == "token" and "{" in reason:
            # How a program would send it is of no use here.
            reason = reason.partition(" (")[0] + "."
        return f"{reason} {_ADVICE[error.kind][has_bot]}"
    return advised(error)
