"""A callback that is to be called at a time, and can be cancelled before."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["Timer"]


class Timer:
    """A callback for later; the clock that holds it takes it when it is due.

    Args:
        callback: what is to be called.
        on_cancel: called when it is cancelled, so that nothing waits for it in vain.
    """

    __slots__ = ("_callback", "_on_cancel")

    def __init__(
        self, callback: Callable[[], object], on_cancel: Callable[[], object] | None = None
    ) -> None:
        self._callback: Callable[[], object] | None = callback
        self._on_cancel = on_cancel

    @property
    def pending(self) -> bool:
        """Whether it is still to be called."""
        return self._callback is not None

    def cancel(self) -> None:
        """Do not call it. Idempotent; a callback that is being called is not interrupted."""
        self._callback = None
        if self._on_cancel is not None:
            self._on_cancel()

    def take(self) -> Callable[[], object] | None:
        """The callback, which is to be called now; None if it was taken or cancelled before."""
        callback, self._callback = self._callback, None
        return callback
