"""What a network does to the messages that pass: numbers, and a random source for each
direction. No sockets, no clock."""

from __future__ import annotations

import math
from random import Random
from typing import Literal

import msgspec

from ..errors import UsageError
from .frame_splitter import Kind

__all__ = ["Direction", "Distribution", "Network", "NetworkModel", "RelayedMessage"]

Distribution = Literal["uniform", "exponential", "pareto"]
Direction = Literal["up", "down"]

SEGMENT = 1460
"""Bytes of one TCP segment on an Ethernet: what is lost at once."""
RETRANSMISSION = 0.2
"""Seconds that TCP waits at least, beyond a round trip, before it sends again (Linux's
TCP_RTO_MIN)."""
MAX_RETRIES = 6
REORDER_HOLD = 0.05
"""Seconds that a reordered message is held back at least, while those behind it pass."""
_PARETO = 3.0
"""The shape of the heavy tail: it has a mean and a variance, and nothing beyond."""


class Network(msgspec.Struct, frozen=True):
    """What one direction does to what passes.

    Args:
        delay: seconds that everything takes at least, one way.
        jitter: what is drawn for each message and added: up to this many seconds if
            ``distribution`` is ``"uniform"``, this many in the mean if it is ``"exponential"`` or
            ``"pareto"`` (a heavy tail, of shape 3).
        loss: the chance, 0 to 1, that a segment of 1460 bytes is lost. TCP sends it again after 0.2
            s and a round trip, then after twice that, and so on; all that is behind waits.
        reorder: the chance that a message is held back (50 ms, or ``delay`` if that is longer)
            while those behind it pass.
        duplicate: the chance that a message comes twice.
        rate: bytes per second that pass, None for no limit.
        cut_every: seconds after which a connection is cut, each time; None for never.

    Raises:
        UsageError: a number is out of its range.
    """

    delay: float = 0.0
    jitter: float = 0.0
    distribution: Distribution = "uniform"
    loss: float = 0.0
    reorder: float = 0.0
    duplicate: float = 0.0
    rate: float | None = None
    cut_every: float | None = None

    def __post_init__(self) -> None:
        for name in ("delay", "jitter"):
            if not 0 <= getattr(self, name) <= 60:
                raise UsageError(f"{name} is in seconds, 0 to 60; got {getattr(self, name)!r}")
        for name in ("loss", "reorder", "duplicate"):
            if not 0 <= getattr(self, name) <= (0.9 if name == "loss" else 1):
                raise UsageError(
                    f"{name} is a chance, 0 to {'0.9' if name == 'loss' else '1'}; got "
                    f"{getattr(self, name)!r}"
                )
        for name, unit in (("rate", "bytes per second"), ("cut_every", "seconds")):
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:
                raise UsageError(f"{name} is in {unit}, more than 0, or None; got {value!r}")
        if self.distribution not in ("uniform", "exponential", "pareto"):
            raise UsageError(
                f'distribution is "uniform", "exponential" or "pareto", not {self.distribution!r}'
            )

    def __repr__(self) -> str:
        changed = [
            f"{name}={value!r}"
            for name in self.__struct_fields__
            if (value := getattr(self, name)) != getattr(_PERFECT, name)
        ]
        return f"Network({', '.join(changed)})"

    def extra(self, uniform: float) -> float:
        """The jitter in seconds that a uniform number in [0, 1) draws: the inverse of the
        distribution function."""
        if self.distribution == "exponential":
            return -self.jitter * math.log1p(-uniform)
        if self.distribution == "pareto":
            return float(self.jitter * (_PARETO - 1) * ((1 - uniform) ** (-1 / _PARETO) - 1))
        return self.jitter * uniform


_PERFECT = msgspec.convert({}, Network)


class RelayedMessage(msgspec.Struct, gc=False):
    """A message, and what was drawn for it. Times are `time.monotonic()` seconds of this process,
    durations seconds."""

    connection: int
    direction: Direction
    number: int
    kind: Kind
    nbytes: int
    came: float
    """When it reached the relay."""
    delay: float
    """Delay and jitter, as drawn."""
    queued: float
    """How long it waited for the rate's sake, its own length included."""
    resent: float
    """What its losses cost."""
    held: float
    """How long it was held back so that others could pass."""
    copies: int
    due: float
    """When it was to leave the relay: not before what it must stay behind."""
    left: float = math.nan
    """When it left: later than ``due`` by what else the loop had to do, or by a receiver that does
    not read."""


class NetworkModel:
    """One direction of one connection, without sockets: draws what happens to each message, from
    ``random_source`` alone.

    The same number of random numbers is used for each message, so that message n is drawn the same
    whatever came before.
    """

    def __init__(
        self,
        network: Network,
        random_source: Random,
        *,
        connection: int,
        direction: Direction,
        round_trip: float,
    ) -> None:
        self.network = network
        self._random_source = random_source
        self._connection = connection
        self._direction: Direction = direction
        self._timeout = RETRANSMISSION + round_trip
        self._count = 0
        self._free = -math.inf
        self._last = -math.inf
        self._latest = -math.inf

    def take(self, kind: Kind, nbytes: int, now: float) -> RelayedMessage:
        """Draw what happens to the next message."""
        network = self.network
        loss, extra, reorder, duplicate = (self._random_source.random() for _ in range(4))
        delay = network.delay + network.extra(extra)
        free = max(now, self._free) + (nbytes / network.rate if network.rate is not None else 0.0)
        self._free = free
        resent = self._retransmission_delay(loss, nbytes)
        due = self._last = max(self._last, free + delay + resent)
        message = kind in ("text", "binary")
        held = max(REORDER_HOLD, network.delay) if message and reorder < network.reorder else 0.0
        if kind in ("close", "end"):
            due = self._last = max(due, self._latest)  # nothing may come after the end
        self._latest = max(self._latest, due + held)
        self._count += 1
        return RelayedMessage(
            connection=self._connection,
            direction=self._direction,
            number=self._count,
            kind=kind,
            nbytes=nbytes,
            came=now,
            delay=delay,
            queued=free - now,
            resent=resent,
            held=held,
            copies=2 if message and duplicate < network.duplicate else 1,
            due=due + held,
        )

    def _retransmission_delay(self, uniform: float, nbytes: int) -> float:
        """What losses cost: the timeout, doubled each time that the segment is lost again."""
        lost = 1 - (1 - self.network.loss) ** max(1, math.ceil(nbytes / SEGMENT))
        if uniform >= lost or not lost:
            return 0.0
        # One number tells how often: below `lost` once, below `lost * loss` twice, and so on.
        again = math.log(uniform / lost) / math.log(self.network.loss) if uniform > 0 else math.inf
        times = 1 + int(min(again, MAX_RETRIES - 1))
        return self._timeout * float(2**times - 1)
