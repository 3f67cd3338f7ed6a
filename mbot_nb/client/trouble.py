"""Why there is no connection, in the words of whoever has to mend it."""

from __future__ import annotations

from ..errors import ConnectError
from ..protocol.backoff import CloseCode, Loss, LossKind, is_final

__all__ = ["connect_error"]

_ADVICE = {
    LossKind.REFUSED: "Start a server there first (`server = await mb.serve()`), check the port, or leave the address out: "
    "`await mb.connect()` brings its own. With retry=True it keeps trying.",
    LossKind.NAME: "Check the spelling, or use the number, as in ws://192.168.1.20:4000.",
    LossKind.TIMEOUT: "Is the other machine on, in the same network, and not behind a firewall? With retry=True it keeps trying.",
    LossKind.TLS: "The server's certificate is not trusted here: pass its certificate, "
    "`await mb.connect(url, ssl=ssl.create_default_context(cafile=...))`.",
    LossKind.HTTP: "Something else answers at this address: check host and port.",
    LossKind.ADDRESS: "An address looks like ws://localhost:4000.",
    LossKind.VERSION: "Update mbot_nb on both sides.",
    LossKind.TOKEN: 'The server was started with a token: pass it, `await mb.connect("...", token="...")`.',
    LossKind.RESET: "Is it a WebSocket server? Check host and port; with retry=True it keeps trying.",
    LossKind.CLOSED: "Look at the server's output, then `await bot.reconnect()`.",
}
_REPLACED = "Another client took this session over; make a new client with `await mb.connect()`."
_SILENT = "Is it a WebSocket V2 server? With retry=True it keeps trying."


def connect_error(url: str, loss: Loss | None, *, silent: bool = False) -> ConnectError:
    """The error that says what happened, why, and what to do; ``silent`` for a peer that connected and sent no state."""
    if loss is None:
        return ConnectError(f"No connection to {url}. Look at the server's output, then try again.")
    advice = _ADVICE[loss.kind]
    if loss.code in (CloseCode.UNAUTHORISED, 401):
        advice = _ADVICE[LossKind.TOKEN]
    elif loss.code == CloseCode.REPLACED:
        advice = _REPLACED
    elif silent:
        advice = _SILENT
    return ConnectError(f"No connection to {url}: {loss}. {advice}", retryable=not is_final(loss))
