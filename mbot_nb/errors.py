"""How mbot_nb fails.

Every error of this package is an :class:`MbotError`; every message says what happened, why, and
what to do next.

    MbotError
    ├── ProtocolError            a frame or message breaks the wire contract
    ├── ConnectError             no connection could be made (also a ConnectionError)
    ├── NotConnectedError        no connection, and none is being made (also a ConnectionError)
    ├── AddressInUseError        the port is taken (also an OSError)
    ├── CommandError             a command was not carried out
    │   ├── CommandRejectedError     the robot or the server refused it, and said why (`code`)
    │   ├── CommandExpiredError      a motion grew too old while the connection was away
    │   ├── DeliveryUnknownError     it was sent, but nobody can say whether it was carried out
    │   └── CommandTimeoutError      no answer in time (also a TimeoutError)
    ├── SendBufferFullError      too much is waiting for an acknowledgement
    └── UsageError               a call that cannot work where it was made (also a RuntimeError)
"""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any

__all__ = [
    "AddressInUseError",
    "CommandError",
    "CommandExpiredError",
    "CommandRejectedError",
    "CommandTimeoutError",
    "ConnectError",
    "DeliveryUnknownError",
    "MbotError",
    "NotConnectedError",
    "ProtocolError",
    "SendBufferFullError",
    "UsageError",
]

_INSIDE = ("mbot_nb.", "asyncio.", "concurrent.futures.", "contextlib.", "IPython.")


def _own_lines(traceback: TracebackType | None) -> TracebackType | None:
    """A traceback without the frames of this package, of asyncio and of IPython; all of it, if
    nothing else is in it."""
    frames = []
    part = traceback
    while part is not None:
        if not f"{part.tb_frame.f_globals.get('__name__', '')}.".startswith(_INSIDE):
            frames.append(part)
        part = part.tb_next
    own: TracebackType | None = None
    for part in reversed(frames):
        own = TracebackType(own, part.tb_frame, part.tb_lasti, part.tb_lineno)
    return own if own is not None else traceback


class MbotError(Exception):
    """The root of every error that mbot_nb raises on purpose."""

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows of it: the reader's own lines and the message. `%debug` still sees
        everything."""
        from IPython import get_ipython  # only IPython calls this

        traceback = _own_lines(self.__traceback__)
        shown = get_ipython().InteractiveTB.structured_traceback(
            type(self), self, traceback, tb_offset=0
        )
        return list(shown)


class ProtocolError(MbotError):
    """A frame or a message that breaks the wire contract.

    ``code`` is the wire's error code (``INVALID_MESSAGE``, ``VERSION_MISMATCH``, ...); ``sequence``
    and ``id`` are those of the message, where they could be read.
    """

    def __init__(
        self, code: str, message: str, *, sequence: int | None = None, id: str | int | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.sequence = sequence
        self.id = id


class ConnectError(MbotError, ConnectionError):
    """No connection could be made. ``retryable`` tells whether trying again can help.

    ``kind`` is why in one word (``refused``, ``token``, ...; empty if there is none for it),
    ``reason`` the message without what to do about it.
    """

    def __init__(
        self, message: str, *, retryable: bool = True, kind: str = "", reason: str = ""
    ) -> None:
        super().__init__(message)
        self.retryable = retryable
        self.kind = kind
        self.reason = reason or message


class NotConnectedError(MbotError, ConnectionError):
    """There is no connection, and none is being made."""


class AddressInUseError(MbotError, OSError):
    """The port is taken by another program."""


class CommandError(MbotError):
    """A command was not carried out (``command`` is its name)."""

    def __init__(self, message: str, *, command: str = "") -> None:
        super().__init__(message)
        self.command = command


class CommandRejectedError(CommandError):
    """The robot or the server refused a command.

    ``code`` is the wire's error code (``INVALID_PARAMS``, ``STOPPED``, ``UNSUPPORTED``, ...),
    ``details`` what came with it. Robots and command handlers raise it themselves to refuse:
    ``raise CommandRejectedError("UNSUPPORTED", "no arm here")``.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        command: str = "",
        details: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message, command=command)
        self.code = code
        self.message = message
        self.details = dict(details or {})

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


class CommandExpiredError(CommandError):
    """A motion grew too old while the connection was away; the robot did not perform it."""


class DeliveryUnknownError(CommandError):
    """The command was transmitted, then the connection's memory was lost: it may or may not have
    been carried out."""


class CommandTimeoutError(CommandError, TimeoutError):
    """No answer in time. The command may still be carried out."""


class SendBufferFullError(MbotError):
    """More than the allowed amount of sent commands waits for an acknowledgement."""


class UsageError(MbotError, RuntimeError):
    """A call that cannot work where it was made: the wrong thread, a closed object, a bad
    argument."""
