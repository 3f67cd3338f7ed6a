"""How a connection was lost: close codes, kinds of loss, and which of them are final."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

__all__ = ["CloseCode", "Loss", "LossKind", "is_final"]


class CloseCode:
    """The close codes of the wire contract."""

    NORMAL = 1000
    GOING_AWAY = 1001
    PROTOCOL_ERROR = 1002
    INVALID_DATA = 1007
    TOO_BIG = 1009
    UNAUTHORISED = 4401
    FORBIDDEN = 4403
    TOO_SLOW = 4408
    REPLACED = 4409
    TOO_FAST = 4429


class LossKind(Enum):
    """How a connection ended or failed to begin."""

    REFUSED = "refused"
    RESET = "reset"
    TIMEOUT = "timeout"
    CLOSED = "closed"
    HTTP = "http"
    TLS = "tls"
    ADDRESS = "address"
    NAME = "name"
    VERSION = "version"
    TOKEN = "token"


class Loss(NamedTuple):
    """Why there is no connection: the kind, the close code or HTTP status where there is one, and
    the words for it."""

    kind: LossKind
    detail: str
    code: int | None = None

    def __str__(self) -> str:
        return self.detail


_FINAL_CODES = frozenset({CloseCode.UNAUTHORISED, CloseCode.FORBIDDEN, CloseCode.REPLACED})
_PASSING_STATUS = frozenset({408, 425, 429})
"""Refusals that say "later": timeout, too early, too many requests."""
_FINAL_KINDS = frozenset({LossKind.TLS, LossKind.ADDRESS, LossKind.VERSION, LossKind.TOKEN})


def is_final(loss: Loss) -> bool:
    """Whether the next attempt cannot succeed either, so that trying again would only hide the
    reason."""
    if loss.kind in _FINAL_KINDS:
        return True
    if loss.kind is LossKind.HTTP:
        return loss.code is not None and loss.code < 500 and loss.code not in _PASSING_STATUS
    return loss.kind is LossKind.CLOSED and loss.code in _FINAL_CODES
