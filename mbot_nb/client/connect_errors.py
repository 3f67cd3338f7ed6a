"""Errors that say why there is no connection, and what to do about it."""

from __future__ import annotations

from typing import NamedTuple

from ..errors import ConnectError
from ..protocol.loss import CloseCode, Loss, LossKind, is_final

__all__ = ["RECONNECT_ADVICE", "advise_in_panel", "connect_error"]

RECONNECT_ADVICE = "`await bot.reconnect()` tries again."

_KEEPS = " With retry=True it keeps trying."


class _Advice(NamedTuple):
    """What to do about one kind of :class:`ConnectError`: what holds for everybody, and then the
    next step of somebody who types code, or who clicks in the connection panel."""

    shared: str = ""
    code: str = ""
    panel: str | None = None
    """In the panel, to connect; None for the same as in code."""
    panel_lost: str | None = None
    """In the panel, after a connection was lost; None for the same as to connect."""

    def in_code(self) -> str:
        return self.shared + self.code

    def in_panel(self, *, lost: bool) -> str:
        step = self.code if self.panel is None else self.panel
        if lost and self.panel_lost is not None:
            step = self.panel_lost
        return self.shared + step


_TYPE_TOKEN = (
    'open "Token and batching", type the token that the server was started with, and press Connect.'
)
_ADVICE = {
    "refused": _Advice(
        "Start a server there first (`server = await mb.serve()`), check the port",
        code=", or leave the address out: `await mb.connect()` brings its own.",
        panel=", or choose the simulator.",
        panel_lost="; this panel keeps trying.",
    ),
    "name": _Advice(
        code="Check the spelling, or use the number, as in ws://192.168.1.20:4000.",
        panel_lost="Is this machine still in the network?",
    ),
    "timeout": _Advice(
        "Is the other machine on, in the same network, and not behind a firewall?",
        panel=" Then press Connect again.",
        panel_lost=" This panel keeps trying.",
    ),
    "tls": _Advice(
        "The server's certificate is not trusted here: ",
        code="pass its certificate, "
        "`await mb.connect(url, ssl=ssl.create_default_context(cafile=...))`.",
        panel="connect in a cell, "
        "`bot = await mb.connect(url, ssl=ssl.create_default_context(cafile=...))`, and show "
        "`mb.widgets.ConnectPanel(bot)`.",
    ),
    "http": _Advice("Something else answers at this address: check host and port."),
    "address": _Advice("An address looks like ws://localhost:4000."),
    "version": _Advice("Update mbot_nb on both sides."),
    "token": _Advice(
        code="The server was started with a token: pass it, "
        '`await mb.connect("...", token="...")`.',
        panel=_TYPE_TOKEN[0].upper() + _TYPE_TOKEN[1:],
        panel_lost=f"Press Disconnect, {_TYPE_TOKEN}",
    ),
    "reset": _Advice(
        "Is it a WebSocket server?",
        code=" Check host and port.",
        panel_lost=" Look at its output.",
    ),
    "closed": _Advice(
        "Look at the server's output, then ",
        code="`await bot.reconnect()`.",
        panel="press Connect again.",
        panel_lost="press Retry now.",
    ),
    "replaced": _Advice(
        code="Another client took this session over; make a new client with `await mb.connect()`.",
        panel="Press Connect again.",
        panel_lost="Another client took this session over. Press Disconnect, then Connect.",
    ),
    "silent": _Advice(
        "Is it a WebSocket V2 server?",
        panel=" Check host and port.",
        panel_lost=" Look at its output.",
    ),
}
"""By the kind of a :class:`ConnectError`: a :class:`LossKind`, or one of the last two."""
_MAY_PASS = frozenset({"refused", "timeout", "reset", "silent"})


def connect_error(
    url: str, loss: Loss | None, *, silent: bool = False, trying: bool = False
) -> ConnectError:
    """The error that says what happened, why, and what to do.

    ``silent`` for a peer that connected and sent no state; ``trying`` for a client that goes on by
    itself.
    """
    if loss is None:
        return ConnectError(f"No connection to {url}. Look at the server's output, then try again.")
    kind = loss.kind.value
    if loss.code in (CloseCode.UNAUTHORISED, 401):
        kind = LossKind.TOKEN.value
    elif loss.code == CloseCode.REPLACED:
        kind = "replaced"
    elif silent:
        kind = "silent"
    reason = f"No connection to {url}: {loss}."
    advice = _ADVICE[kind].in_code() + (_KEEPS if kind in _MAY_PASS and not trying else "")
    return ConnectError(
        f"{reason} {advice}", retryable=not is_final(loss), kind=kind, reason=reason
    )


def advise_in_panel(error: ConnectError, *, lost: bool) -> str:
    """The error in words, with what can be done about it in the connection panel.

    ``lost`` for a connection that was lost, where the panel offers other buttons.
    """
    if error.kind not in _ADVICE:
        return str(error)
    reason = error.reason
    if error.kind == "token" and "{" in reason:
        # How a program would send it is of no use here.
        reason = reason.partition(" (")[0] + "."
    return f"{reason} {_ADVICE[error.kind].in_panel(lost=lost)}"
