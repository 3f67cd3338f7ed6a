"""The thread that carries bytes between a port and an emulated robot at the speed of the cable."""

from __future__ import annotations

import heapq
import itertools
import logging
import select
import threading
import time
from collections import deque
from collections.abc import Callable
from math import inf
from pathlib import Path

from ...errors import UsageError
from ...local import instances
from ..serial.connection.port import BAUD, Waker
from .faults import Faults
from .firmware import Firmware
from .ports import EmulatedPort

__all__ = ["Emulator"]

_log = logging.getLogger("mbot_nb")

CLIENT_POLL_INTERVAL = 0.02
"""Seconds between two checks whether the port has been opened."""
BITS = 10
"""Of a byte on the cable: a start bit, eight, a stop bit."""


class Emulator:
    """A robot behind a port. Use it with ``with``.

    Args:
        firmware: of the robot.
        port: how the emulator is reached.
        paced: let bytes take as long as on a cable of 115200 baud.
        faults: what goes wrong on the cable, in both directions.
        resets_on_open: restart whenever the port is opened, as most boards do.
        registered: let discovery find it.
    """

    def __init__(
        self,
        firmware: Firmware,
        port: EmulatedPort,
        *,
        paced: bool = True,
        faults: Faults | None = None,
        resets_on_open: bool = True,
        registered: bool = True,
    ) -> None:
        self.firmware = firmware
        self.vehicle = firmware.vehicle
        self.port = port
        self.faults = faults or Faults()
        self.paced = paced
        self.received = self.sent = 0
        """Bytes, all in all."""
        self._resets_on_open = resets_on_open
        self._incoming: deque[tuple[float, bytes]] = deque()
        self._outgoing: list[tuple[float, int, bytes]] = []
        self._order = itertools.count()
        self._input_free_at = self._output_free_at = 0.0
        self._actions: deque[Callable[[float], None]] = deque()
        self._waker = Waker()
        self._occupied = False
        self._seen_open_count = 0
        self._plugged = True
        self._replug_at = inf
        self._closing = False
        self.failure: Exception | None = None
        """The fault that ended it, if one did."""
        self._registered = registered
        self._entry: Path | None = None
        try:
            self._register()
        except UsageError:
            self.port.close()
            self._waker.close()
            raise
        name = f"mbot-emulator {firmware.kind}"
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def __repr__(self) -> str:
        return f"<Emulator of {self.firmware.kind} at {self.address}>"

    def __enter__(self) -> Emulator:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    @property
    def address(self) -> str:
        """What to give to pyserial, or to ``connect``."""
        return self.port.address

    # From any thread.

    def reset(self) -> None:
        """Restart the robot, as its reset button does."""
        self._call_in_thread(self.firmware.reset)

    def press(self, button: str = "a", down: bool = True) -> None:
        """Press a button, or let it go."""
        self._call_in_thread(lambda now: self.firmware.press(button, down, now))

    def inject(self, data: bytes) -> None:
        """Write bytes as if the robot had sent them."""
        self._call_in_thread(lambda now: self._transmit(data, now))

    def unplug(self, seconds: float = inf) -> None:
        """Pull the cable, and plug it in again after so many seconds; the robot goes on."""

        def pull(now: float) -> None:
            self._plugged = False
            self.port.close()
            self._unregister()
            self._incoming.clear()
            self._outgoing.clear()
            self._replug_at = now + seconds

        self._call_in_thread(pull)

    def plug(self) -> None:
        """Plug the cable in again."""
        self._call_in_thread(lambda now: setattr(self, "_replug_at", now))

    def close(self) -> None:
        """Switch it off."""
        self.switch_off()
        self._thread.join()

    def switch_off(self) -> None:
        """Begin to, without waiting."""
        self._closing = True
        self._waker.wake()

    def join(self, timeout: float | None = None) -> None:
        """Wait until it is switched off."""
        self._thread.join(timeout)

    def _call_in_thread(self, action: Callable[[float], None]) -> None:
        """Run ``action(now)`` in the emulator's thread, and wait for it."""
        done = threading.Event()

        def do(now: float) -> None:
            action(now)
            done.set()

        self._actions.append(do)
        self._waker.wake()
        if not done.wait(5):
            raise TimeoutError("the emulator's thread does not answer: was it closed?")

    # In the emulator's thread.

    def _run(self) -> None:
        try:
            while not self._closing:
                now = time.monotonic()
                while self._actions:
                    self._actions.popleft()(now)
                if not self._plugged and now >= self._replug_at:
                    self.port.open()
                    self._plugged = True
                    self._replug_at = inf
                    self._register()
                self._check_client(now)
                self._step(now)
                self._wait()
        except Exception as error:
            self.failure = error
            _log.exception("the emulator failed: it is gone, and its port with it")
        finally:
            self.port.close()
            self._waker.close()
            self._unregister()

    def _register(self) -> None:
        if self._registered:
            self._entry = instances.register("emulator", self.firmware.kind, self.port.address)

    def _unregister(self) -> None:
        if self._entry is not None:
            instances.forget(self._entry)
            self._entry = None

    def _check_client(self, now: float) -> None:
        occupied = self._plugged and self.port.occupied()
        if occupied and self.port.open_count != self._seen_open_count:
            self._seen_open_count = self.port.open_count
            self._incoming.clear()
            self._outgoing.clear()
            if self._resets_on_open:
                self.firmware.reset(now)
        self._occupied = occupied

    def _step(self, now: float) -> None:
        """Everything that is due."""
        if self._occupied:
            data = self.port.read()
            if data:
                self.received += len(data)
                self._input_free_at = max(self._input_free_at, now) + self._seconds(data)
                self._incoming.append((self._input_free_at, self.faults.on(data)))
        while self._incoming and self._incoming[0][0] <= now:
            self.firmware.receive(self._incoming.popleft()[1], now)
        for frame in self.firmware.due(now):
            self._transmit(self.faults.on(frame), now)
        while self._outgoing and self._outgoing[0][0] <= now:
            data = heapq.heappop(self._outgoing)[2]
            if self._occupied:
                self.port.write(data)
                self.sent += len(data)

    def _transmit(self, data: bytes, now: float) -> None:
        self._output_free_at = max(self._output_free_at, now) + self._seconds(data)
        heapq.heappush(self._outgoing, (self._output_free_at, next(self._order), data))

    def _seconds(self, data: bytes) -> float:
        return len(data) * BITS / BAUD if self.paced else 0.0

    def _wait(self) -> None:
        """Wait until something is due, bytes arrive, or another thread wants an action."""
        until = min(
            self._incoming[0][0] if self._incoming else inf,
            self._outgoing[0][0] if self._outgoing else inf,
            self.firmware.deadline,
            self._replug_at,
        )
        timeout = max(0.0, until - time.monotonic())
        descriptor = self.port.descriptor if self._occupied else None
        if descriptor is None and self._plugged:
            timeout = min(timeout, CLIENT_POLL_INTERVAL)
        waker = self._waker.fileno()
        readers = [waker] if descriptor is None else [waker, descriptor]
        ready, _, _ = select.select(readers, [], [], None if timeout == inf else timeout)
        if waker in ready:
            self._waker.clear()
