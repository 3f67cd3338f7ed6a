"""One thread per port: it reads, writes, keeps deadlines, ends motions and reopens the port.

Requests return a future at once, so that neither loop nor callback waits for the port.
"""

from __future__ import annotations

import contextlib
import heapq
import itertools
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from math import inf
from typing import Any, Literal

from ....errors import ConnectError, MbotError, NotConnectedError
from ...timer import Timer
from ..wire.dialects import Dialect, Notification, Request
from ..wire.exchange import Exchange, Job
from .guard import GRACE, Guard
from .port import OpenPort, WakeablePort, Waker, open_error

__all__ = ["LinkState", "SerialLink"]

_log = logging.getLogger("mbot_nb")

LinkState = Literal["opening", "probing", "ready", "lost", "closed"]

PROBE_INTERVAL = 0.3
"""Seconds between two version requests to a robot that may still be starting."""
PROBE_TIMEOUT = 2.0
RETRY_DELAYS = (0.1, 0.1, 0.2, 0.3, 0.5)
"""Seconds before the port is opened again; the last one repeats."""
_POSTED = "something that the link was to call"
CLOSE_TIMEOUT = 0.5
"""Seconds that closing waits for what is still to be sent and answered: the last stop."""


class SerialLink:
    """A robot at the other end of a serial port, whether or not it is plugged in just now.

    Args:
        open_port: opens the port (again); see :func:`~.port.opener`.
        dialect: makes the reading and writing of one connection; takes the number the last one had
            come to.
        name: of the port, for messages.
        on_state: called with each new :attr:`state`, in the link's thread.
        on_values: called with the sensor values that the robot sends unasked, by key, in the link's
            thread.
        stop: what has the robot stand, if it can move.
        guarded: let a process of its own hold the port too, which stops the robot when this one is
            killed.
    """

    def __init__(
        self,
        open_port: OpenPort,
        dialect: Callable[[int], Dialect],
        *,
        name: str = "the port",
        on_state: Callable[[LinkState], object] = lambda state: None,
        on_values: Callable[[dict[int, Any]], object] = lambda values: None,
        stop: Request | None = None,
        guarded: bool = True,
    ) -> None:
        self.name = name
        self.state: LinkState = "opening"
        self.reason = ""
        """Why it is not ready, in words."""
        self.version: str | None = None
        """What the robot answered to the probe."""
        self.next_attempt: float | None = None
        """When the port is opened again, on ``time.monotonic``."""
        self.attempts = 0
        """How often in a row it could not be opened."""
        self.written = self.read = self.skipped = 0
        """Bytes, all in all; the last of them belonged to no frame."""
        self._open_port = open_port
        self._dialect = dialect
        self._on_state = on_state
        self._on_values = on_values
        self._stop = stop
        self._stop_unconfirmed = False
        self._use_guard = guarded
        self._guard = Guard()
        self._guard_fires = inf
        """When, on ``time.monotonic``."""
        self._waker = Waker()
        self._inbox: deque[Callable[[], object]] = deque()
        self._timers: list[tuple[float, int, Timer]] = []
        self._order = itertools.count()
        self._exchange = Exchange(dialect(0))
        self._port: WakeablePort | None = None
        self._probes: list[Job] = []
        self._probe_at = 0.0
        self._closing = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name=f"mbot-link {name}", daemon=True)

    def start(self) -> SerialLink:
        """Open the port, in the link's thread."""
        self._thread.start()
        return self

    def __repr__(self) -> str:
        return (
            f"<SerialLink to {self.name}: {self.state}{f' ({self.reason})' if self.reason else ''}>"
        )

    # From any thread.

    @property
    def guarded(self) -> bool:
        """Whether a process of its own would stop the robot if this one were killed."""
        return self._guard.alive

    @property
    def in_own_thread(self) -> bool:
        """Whether this code runs in the link's thread."""
        return threading.current_thread() is self._thread

    def request(
        self,
        request: Request,
        *,
        timeout: float = 0.6,
        attempts: int = 2,
        urgent: bool = False,
        slot: str = "",
        what: str = "",
        on_send: Callable[[], object] | None = None,
        wanted: Callable[[], bool] | None = None,
    ) -> Future[Any]:
        """Ask the robot something, as a :class:`.Job`; the future ends with its answer or error.

        Raises (in the future):
            NotConnectedError: no robot is there, or it went before this was sent.
            DeliveryUnknownError: it went after this was sent.
            CommandTimeoutError: it did not answer.
            ProtocolError: it answered that it could not, or something that cannot be read.
        """
        job = Job(
            request,
            timeout=timeout,
            attempts=attempts,
            urgent=urgent,
            slot=slot,
            what=what,
            on_send=on_send,
            wanted=wanted,
        )
        self.post(lambda: self._accept(job))
        return job.future

    def drop(self, slot: str, error: MbotError) -> None:
        """End the requests of a slot that are not sent yet."""
        self.post(lambda: self._exchange.drop(slot, error))

    def call_at(self, deadline: float, callback: Callable[[], object]) -> Timer:
        """Call ``callback()`` in the link's thread at ``deadline``, connected or not."""
        timer = Timer(callback)
        self.post(lambda: heapq.heappush(self._timers, (deadline, next(self._order), timer)))
        return timer

    def arm(self, seconds: float) -> None:
        """Have the guard send the stop after so long, unless it receives another line before."""
        self.post(lambda: self._arm(seconds))

    def disarm(self) -> None:
        """The robot has confirmed that nothing moves. One that does not answer stays guarded."""
        self.post(self._disarm)

    def stop_unresponsive(self) -> None:
        """Send a stop to a robot that does not answer but may receive it, if the port is open."""
        self.post(self._write_stop)

    def wait_ready(self, timeout: float = 10.0) -> None:
        """Wait until the robot has answered; not for the notebook's loop, which it would block.

        Raises:
            ConnectError: it has not, with what to do.
        """
        deadline = time.monotonic() + timeout
        with self._changed:
            while self.state != "ready":
                left = deadline - time.monotonic()
                if left <= 0 or self.state == "closed":
                    raise ConnectError(
                        self.reason
                        or f"the robot at {self.name} did not answer within {timeout:g} s"
                    )
                self._changed.wait(left)

    def close(self, wait: float = 0.0) -> None:
        """Send what is still to be sent and give the port back, waiting up to ``wait`` seconds."""
        self._closing = True
        self._waker.wake()
        if wait and not self.in_own_thread:
            self._thread.join(wait)

    def post(self, action: Callable[[], object]) -> None:
        """Let the link's thread call ``action()``, in order; at once if this is it."""
        if self.in_own_thread:
            _call(_POSTED, action)
            return
        self._inbox.append(action)
        self._waker.wake()
        if self.state == "closed":
            self._flush_inbox()

    # In the link's thread.

    def _run(self) -> None:
        closed = "the connection was closed"
        try:
            while not self._closing:
                self._port = self._open()
                if self._port is None:
                    continue
                if self._use_guard and self._port.descriptor is not None:
                    self._guard.start(self._port.descriptor)
                try:
                    self._serve(self._port)
                    why = closed
                except OSError as error:
                    why = f"the port {self.name} is gone ({error}): plug the cable in again"
                self._disconnect(why)
        except Exception as error:
            _log.exception(
                "the link to %s failed: the robot is told to stop, and the port is given back",
                self.name,
            )
            closed = (
                f"a fault of mbot_nb ended the connection ({type(error).__name__}: {error}): "
                "connect again"
            )
            self._closing = True
            with contextlib.suppress(OSError):  # then the port is gone, too
                self._write_stop()
        finally:
            self._disconnect(closed)
            self._set_state("closed", closed)
            self._flush_inbox()
            self._exchange.fail_all(closed)
            self._waker.close()

    def _open(self) -> WakeablePort | None:
        """The port; or None when it cannot be opened, after a while."""
        try:
            port = WakeablePort(self._open_port(), self._waker)
        except (OSError, ValueError) as error:
            delay = RETRY_DELAYS[min(self.attempts, len(RETRY_DELAYS) - 1)]
            self.attempts += 1
            self.next_attempt = time.monotonic() + delay
            self._set_state("lost", str(open_error(self.name, error)))
            while not self._closing and (left := self.next_attempt - time.monotonic()) > 0:
                self._waker.wait(min(left, self._run_timers()))
                self._flush_inbox()
            return None
        self.attempts = 0
        self.next_attempt = None
        self._exchange = Exchange(self._dialect(self._exchange.dialect.number))
        self._start_probing(
            "waiting for the robot to answer; if it never does: is it switched on, is it an mBot?"
        )
        return port

    def _serve(self, port: WakeablePort) -> None:
        """Live with an open port until it is gone or shall be closed."""
        close_deadline = inf
        while True:
            self._flush_inbox()
            if self._closing and close_deadline == inf:
                close_deadline = time.monotonic() + CLOSE_TIMEOUT
            now = time.monotonic()
            done = self._exchange.idle or self.state != "ready"
            if now >= close_deadline or (self._closing and done):
                return
            self._probe_if_due(now)
            for data in self._exchange.to_send(now):
                self._write(port, data)
            until_timer = self._run_timers()
            if self._inbox:
                continue
            now = time.monotonic()
            deadline = self._exchange.deadline
            wait = min(until_timer, max(0.0, min(deadline, close_deadline) - now))
            if self.state != "ready":
                wait = min(wait, PROBE_INTERVAL / 3)
            data = port.wait(None if wait == inf else wait)
            now = time.monotonic()
            self._check_guard()
            if data:
                self.read += len(data)
                self._notify(self._exchange.receive(data, now))
            if now >= deadline:
                self._notify(self._exchange.tick(now))
            self._check_health()

    def _notify(self, notifications: list[Notification]) -> None:
        for item in notifications:
            _call("a use of the robot's sensor values", self._on_values, item.values)

    def _check_health(self) -> None:
        """Has it restarted, or fallen silent?"""
        decoder = self._exchange.dialect.decoder
        self.skipped += decoder.skipped
        decoder.skipped = 0
        if self.state != "ready":
            decoder.noise.clear()
        elif decoder.noise and self._exchange.dialect.rebooted(bytes(decoder.noise)):
            decoder.noise.clear()
            self._start_probing("the robot has restarted: waiting until it answers")
            self._exchange.fail_all("the robot restarted")
        elif self._exchange.silent:
            self._start_probing("the robot does not answer any more: is it switched on?")
            self._exchange.fail_all("the robot fell silent")
            self._stop_unconfirmed = True

    def _start_probing(self, why: str) -> None:
        self._probes.clear()
        self._probe_at = time.monotonic()
        self._set_state("probing", why)

    def _probe_if_due(self, now: float) -> None:
        """Ask for the version again and again; whichever answer comes first will do."""
        if self.state != "probing":
            return
        for probe in self._probes:
            if probe.future.done() and probe.future.exception() is None:
                self.version = str(probe.future.result())
                for other in self._probes:
                    self._exchange.forget(other)
                self._probes.clear()
                self._ready()
                return
        self._probes = [probe for probe in self._probes if not probe.future.done()]
        if now >= self._probe_at:
            self._probe_at = now + PROBE_INTERVAL
            probe = Job(
                self._exchange.dialect.probe,
                timeout=PROBE_TIMEOUT,
                urgent=True,
                what="the version request",
            )
            self._probes.append(probe)
            self._exchange.add(probe)
            if self._stop_unconfirmed:
                self._write_stop()

    def _write_stop(self) -> None:
        """Past every queue, without waiting for an answer."""
        if self._port is not None and self._stop is not None:
            dialect = self._exchange.dialect
            self._write(self._port, dialect.encode(self._stop, dialect.next_number()))
            self._stop_unconfirmed = True

    def _arm(self, seconds: float) -> None:
        self._check_guard()
        if self._stop is not None and self._guard.alive:
            self._guard.arm(seconds, self._exchange.dialect.encode(self._stop, 1))
            self._guard_fires = time.monotonic() + seconds + GRACE

    def _disarm(self) -> None:
        self._check_guard()
        if self.state == "ready":
            self._guard.disarm()
            self._guard_fires = inf

    def _check_guard(self) -> None:
        """A guard that fired while this thread was stuck has sent stops, acknowledged as well."""
        if time.monotonic() >= self._guard_fires:
            self._guard_fires = inf
            self._exchange.require_fence()
            self._stop_unconfirmed = self._stop_unconfirmed or self.state != "ready"

    def _write(self, port: WakeablePort, data: bytes) -> None:
        port.write(data)
        self.written += len(data)

    def _ready(self) -> None:
        if self._stop_unconfirmed:
            self._stop_unconfirmed = False
            self._exchange.require_fence()
        greeting = self._exchange.dialect.greeting
        if greeting and self._port is not None:
            self._write(self._port, greeting)
        self._set_state("ready", "")

    def _disconnect(self, why: str) -> None:
        self._guard.end()
        self._guard_fires = inf
        if self._port is not None:
            self._port.close()
            self._port = None
        if not self._closing:
            self.next_attempt = time.monotonic()
            self._set_state("lost", why)
        self._exchange.fail_all(why)

    def _accept(self, job: Job) -> None:
        if self.state == "ready":
            self._exchange.add(job)
        else:
            why = self.reason or "the robot has not answered yet"
            job.finish(NotConnectedError(f"{job.what} was not sent: {why}"))

    def _flush_inbox(self) -> None:
        with contextlib.suppress(IndexError):  # two threads may empty it
            while True:
                _call(_POSTED, self._inbox.popleft())

    def _run_timers(self) -> float:
        """Do what is due; returns the seconds until the next."""
        while self._timers:
            deadline, _, timer = self._timers[0]
            left = deadline - time.monotonic()
            if left > 0 and timer.pending:
                return left
            heapq.heappop(self._timers)
            callback = timer.take()
            if callback is not None:
                _call("a timer of the link", callback)
                return 0.0  # what it asked for goes out first
        return inf

    def _set_state(self, state: LinkState, reason: str) -> None:
        changed = (state, reason) != (self.state, self.reason)
        with self._changed:
            self.state = state
            self.reason = reason
            self._changed.notify_all()
        if changed:
            _call("the driver's part in a change of the link", self._on_state, state)


def _call(what: str, function: Callable[..., object], *arguments: object) -> None:
    """Call a function that may fail; what comes after it, a stop perhaps, is done all the same."""
    try:
        function(*arguments)
    except Exception:
        _log.exception("%s failed; the next goes on", what)
