"""Other batching numbers for a while, for experiments."""

from __future__ import annotations

from typing import get_args

from ..errors import UsageError
from ..loops.home import Home
from ..protocol.client import ClientSession
from ..protocol.settings import BatchPolicy
from .link import ClientLink

__all__ = ["BatchingContext"]


class BatchingContext:
    """A context manager in which a client batches by other numbers.

    ``window`` (seconds), ``size`` (commands) and ``policy`` are those that hold inside.
    """

    def __init__(
        self,
        home: Home,
        session: ClientSession,
        link: ClientLink,
        *,
        window: float | None,
        size: int | None,
        policy: BatchPolicy | None,
    ) -> None:
        queue = session.outbox.queue
        self.window: float = queue.window if window is None else window
        self.size: int = queue.size if size is None else size
        self.policy: BatchPolicy = queue.policy if policy is None else policy
        largest = session.settings.max_batch_received
        if (
            self.window < 0
            or not 1 <= self.size <= largest
            or self.policy not in get_args(BatchPolicy)
        ):
            raise UsageError(
                f"a batch's window is 0 s or more, its size 1 to {largest}, its policy "
                f'"window" or "adaptive"; got {self.window!r}, {self.size!r} and {self.policy!r}'
            )
        self._home = home
        self._session = session
        self._link = link
        self._before: tuple[float, int, BatchPolicy] | None = None

    def __repr__(self) -> str:
        return f"<batching: window {self.window:g} s, size {self.size}, policy {self.policy!r}>"

    def __enter__(self) -> BatchingContext:
        self._home.post(self._start)
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._home.post(self._end)

    def _start(self) -> None:
        queue = self._session.outbox.queue
        self._before = queue.window, queue.size, queue.policy
        self._apply(self.window, self.size, self.policy)

    def _end(self) -> None:
        if self._before is not None:
            before, self._before = self._before, None
            self._apply(*before)

    def _apply(self, window: float, size: int, policy: BatchPolicy) -> None:
        self._session.set_batching(window, size, policy, self._link.now())
        self._link.pump()
