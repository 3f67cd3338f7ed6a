"""Matches answers with requests. Pure: bytes and times in, bytes, results and a deadline out.

An answer with a number goes to the request of that number, or to none: numbers of requests that
timed out are not given again soon. For answers without a number only one request may wait at a
time. If it times out, or a stop must not wait for it, a *fence* goes out: a numbered request. A
robot answers in order, so that all that came before the fence's answer belongs to what was sent
before it, and nothing that comes later does.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future, InvalidStateError
from dataclasses import dataclass, field
from math import inf
from typing import Any

from ....errors import (
    CommandTimeoutError,
    DeliveryUnknownError,
    MbotError,
    NotConnectedError,
    ProtocolError,
)
from .dialects import Answer, Dialect, Notification, Request

__all__ = ["Exchange", "Job", "error_of"]

IDLE = 0.1
"""Seconds without a byte after which the beginning of a frame was none."""
FENCE_TIMEOUT = 0.4
SILENT_AFTER = 5
"""Timeouts in a row, without any frame between them, that mean that no robot is there."""


@dataclass(slots=True, eq=False, kw_only=True)
class Job:
    """One request, until it ends. A job whose ``future`` is cancelled before is not sent."""

    request: Request = field(kw_only=False)
    timeout: float
    """Seconds for one attempt, from when it is sent."""
    attempts: int = 1
    """How often it may be sent; more than once only what does no harm twice."""
    urgent: bool = False
    """It overtakes what waits, and does not wait for what is under way."""
    slot: str = ""
    """A newer job of a slot replaces an unsent one, which ends when it ends; one that was sent is
    not sent again."""
    what: str = ""
    """Its name in messages."""
    on_send: Callable[[], object] | None = None
    """Called each time just before it is sent."""
    wanted: Callable[[], bool] | None = None
    """Asked before it is sent again: what was sent meanwhile may be what it would undo."""
    tries: int = 0
    number: int = 0
    deadline: float = inf
    future: Future[Any] = field(default_factory=Future)
    followers: list[Future[Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.what = self.what or str(self.request)

    def finish(self, value: Any) -> None:
        """End with a value, or, if it is one, with an error."""
        for future in (self.future, *self.followers):
            try:
                if isinstance(value, Exception):
                    future.set_exception(value)
                else:
                    future.set_result(value)
            except InvalidStateError:
                pass  # cancelled


class Exchange:
    """All requests of one connection."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self.late = 0
        """Answers without a request."""
        self.timeouts = 0
        """In a row, since the last frame."""
        self._queue: deque[Job] = deque()
        self._numbered: dict[int, Job] = {}
        self._open: list[Job] = []
        """Sent, and to be answered without a number; what was sent twice is here twice."""
        self._acks: list[Any] = []
        """Answers without a number since the last fence, or since one was not open."""
        self._fence: int | None = None
        self._fence_wanted = False
        self._fence_deadline = inf
        self._received_at = -inf
        self._latest: dict[str, Job] = {}
        """By slot."""

    @property
    def silent(self) -> bool:
        """Whether no robot seems to be there."""
        return self.timeouts >= SILENT_AFTER

    @property
    def idle(self) -> bool:
        """Whether nothing waits, neither to be sent nor to be answered."""
        return not (self._queue or self._numbered or self._open or self._fence_wanted)

    @property
    def deadline(self) -> float:
        """When :meth:`tick` is to be called though nothing comes."""
        jobs: list[Job] = [*self._numbered.values(), *([] if self._fence_wanted else self._open)]
        idle = self._received_at + IDLE if self.dialect.decoder.waiting else inf
        return min(self._fence_deadline, idle, *(job.deadline for job in jobs))

    # In.

    def add(self, job: Job) -> None:
        """Take a request over."""
        if job.slot:
            self._latest[job.slot] = job
            for old in [old for old in self._queue if old.slot == job.slot]:
                self._queue.remove(old)
                job.followers += [old.future, *old.followers]
        if job.urgent:
            at = next(
                (at for at, other in enumerate(self._queue) if not other.urgent), len(self._queue)
            )
            self._queue.insert(at, job)
        else:
            self._queue.append(job)

    def receive(self, data: bytes, now: float) -> list[Notification]:
        """Take what has arrived; returns the notifications."""
        self._received_at = now
        return self._take(self.dialect.feed(data))

    def tick(self, now: float) -> list[Notification]:
        """Find what has taken too long; returns the notifications behind an unfinished frame."""
        notifications: list[Notification] = []
        if self.dialect.decoder.waiting and now >= self._received_at + IDLE:
            notifications = self._take(self.dialect.flush())
        for job in [job for job in self._numbered.values() if job.deadline <= now]:
            del self._numbered[job.number]
            self.timeouts += 1
            self._retry_or_fail(job)
        if not self._fence_wanted and any(job.deadline <= now for job in self._open):
            self.timeouts += 1
            self._fence_wanted = True
        if self._fence is not None and self._fence_deadline <= now:
            self.timeouts += 1
            self.require_fence()
        return notifications

    def fail_all(self, why: str) -> None:
        """End every request; each says whether it may have been carried out."""
        sent = [*self._numbered.values(), *self._open]
        waiting = list(self._queue)
        self._numbered.clear()
        self._open.clear()
        self._queue.clear()
        self._forget_fence()
        self._acks.clear()
        unknown = "nobody can say whether it was carried out"
        for job in sent:
            job.finish(DeliveryUnknownError(f"{job.what} was sent, then {why}: {unknown}"))
        for job in waiting:
            job.finish(NotConnectedError(f"{job.what} was not sent: {why}"))

    def drop(self, slot: str, error: MbotError) -> None:
        """End the requests of a slot that are not sent yet, except a stop to be sent again."""
        for job in [job for job in self._queue if job.slot == slot and not job.urgent]:
            self._queue.remove(job)
            job.finish(error)

    def require_fence(self) -> None:
        """Bytes went past this exchange: only a fence tells whose the next acknowledgement is."""
        self._forget_fence()
        self._fence_wanted = True

    def _forget_fence(self) -> None:
        self._fence = None
        self._fence_wanted = False
        self._fence_deadline = inf

    def forget(self, job: Job) -> None:
        """Wait no more for the answer of a numbered request; it is dropped."""
        if self._numbered.get(job.number) is job:
            del self._numbered[job.number]

    # Out.

    def to_send(self, now: float) -> Iterable[bytes]:
        """The bytes that are to be sent now, each with its deadline running from now."""
        while self._queue:
            job = self._queue[0]
            if job.future.cancelled() and not job.followers:
                self._queue.popleft()
                continue
            if not self._may_send(job):
                break
            self._queue.popleft()
            yield self._send(job, now)
        if self._fence_wanted and self._fence is None:
            self._fence = number = self.dialect.next_number()
            self._fence_deadline = now + FENCE_TIMEOUT
            yield self.dialect.encode(self.dialect.probe, number)

    def _may_send(self, job: Job) -> bool:
        if job.urgent:
            return True
        if len(self._numbered) + len(self._open) + self._fence_wanted >= self.dialect.window:
            return False
        return self.dialect.numbered(job.request) or not (self._open or self._fence_wanted)

    def _send(self, job: Job, now: float) -> bytes:
        if job.on_send is not None:
            job.on_send()
        job.tries += 1
        job.number = self.dialect.next_number()
        job.deadline = now + job.timeout
        if self.dialect.numbered(job.request):
            self._numbered[job.number] = job
        else:
            if self._open or self._fence_wanted:
                self.require_fence()  # a stop that does not wait
            else:
                self._acks.clear()
            self._open.append(job)
        return self.dialect.encode(job.request, job.number)

    # Inside.

    def _take(self, received: Iterable[Answer | Notification]) -> list[Notification]:
        notifications: list[Notification] = []
        for item in received:
            self.timeouts = 0
            if isinstance(item, Notification):
                notifications.append(item)
            elif item.number is None:
                self._acknowledged(item.value)
            elif self._fence is not None and item.number == self._fence:
                self._fence_answered()
            elif (job := self._numbered.pop(item.number, None)) is not None:
                job.finish(_as_result(job, item.value))
            else:
                self.late += 1
        return notifications

    def _acknowledged(self, value: Any) -> None:
        if not self._open:
            self.late += 1
        elif self._fence_wanted:
            self._acks.append(value)
            if self.dialect.window == 1:
                self._retry_stops()
        else:
            job = self._open.pop()
            job.finish(_as_result(job, value))

    def _fence_answered(self) -> None:
        """The fence was answered: whatever was acknowledged until now is all that will be."""
        jobs, self._open = self._open, []
        acks, self._acks = self._acks, []
        self._forget_fence()
        for job in [job for job in self._queue if job in jobs]:
            self._queue.remove(job)  # not needed any more
        if len(acks) >= len(jobs):
            for job, value in zip(jobs, acks, strict=False):
                job.finish(_as_result(job, value))
            return
        for job in reversed(list(dict.fromkeys(jobs))):
            if len(acks) > len(jobs) - jobs.count(job):
                job.finish(_as_result(job, acks[-1]))  # this one was acknowledged once
            else:
                self._retry_or_fail(job, sure=not acks)

    def _retry_stops(self) -> None:
        """A robot that was busy may have been deaf, to the stop and to the fence behind."""
        for job in self._open[len(self._acks) :]:
            once = self._open.count(job) == 1 and job not in self._queue
            if job.urgent and once and self._may_retry(job):
                self._queue.appendleft(job)

    def _may_retry(self, job: Job) -> bool:
        return (
            job.tries < job.attempts
            and not (job.slot and self._latest.get(job.slot) is not job)
            and not job.future.cancelled()
            and (job.wanted is None or job.wanted())
        )

    def _retry_or_fail(self, job: Job, *, sure: bool = True) -> None:
        if self._may_retry(job):
            self._queue.appendleft(job)
        elif sure:
            tries = "" if job.tries == 1 else f", {job.tries} times"
            job.finish(
                CommandTimeoutError(
                    f"the robot did not answer to {job.what} within {job.timeout:g} s{tries}; it "
                    "may be busy, out of power, or the cable loose: look at its display, then try "
                    "again"
                )
            )
        else:
            job.finish(
                DeliveryUnknownError(
                    f"{job.what} was overtaken by a stop, and only one of them was acknowledged: "
                    "try it again"
                )
            )


def error_of(future: Future[Any]) -> BaseException | None:
    """The error of a future that is done; None for one that has a value or was cancelled."""
    return None if future.cancelled() else future.exception()


def _as_result(job: Job, value: Any) -> Any:
    if isinstance(value, ProtocolError):
        return ProtocolError(value.code, f"{job.what}: {value.message}")
    return value
