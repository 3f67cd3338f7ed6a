"""Errors that say why there is no connection, and what to do about it."""

from __future__ import annotations

from ..errors import ConnectError
from ..protocol.loss import CloseCode, Loss, LossKind, is_final

__all__ = ["RECONNECT_ADVICE", "connect_error"]

RECONNECT_ADVICE = "`await bot.reconnect()` tries again."

_KEEPS = " With retry=True it keeps trying."
_ADVICE = {
    "refused": "Start a server there first (`server = await mb.serve()`), check the port, or leave "
    "the address out: "
    "`await mb.connect()` brings its own.",
    "name": "Check the spelling, or use the number, as in ws://192.168.1.20:4000.",
    "timeout": "Is the other machine on, in the same network, and not behind a firewall?",
    "tls": "The server's certificate is not trusted here: pass its certificate, "
    "`await mb.connect(url, ssl=ssl.create_default_context(cafile=...))`.",
    "http": "Something else answers at this address: check host and port.",
    "address": "An address looks like ws://localhost:4000.",
    "version": "Update mbot_nb on both sides.",
    "token": (
        'The server was started with a token: pass it, `await mb.connect("...", token="...")`.'
    ),
    "reset": "Is it a WebSocket server? Check host and port.",
    "closed": "Look at the server's output, then `await bot.reconnect()`.",
    "replaced": (
        "Another client took this session over; make a new client with `await mb.connect()`."
    ),
    "silent": "Is it a WebSocket V2 server?",
}
"""What to do, by the kind of a :class:`ConnectError`: a :class:`LossKind`, or one of the last
two."""
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
    advice = _ADVICE[kind] + (_KEEPS if kind in _MAY_PASS and not trying else "")
    return ConnectError(
        f"{reason} {advice}", retryable=not is_final(loss), kind=kind, reason=reason
    )
