"""What a client sends: commands in their batches, stops at once, and what else goes out."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from ...commands import MOTIONS, URGENT
from ..batching import FlushReason
from ..codec import ENVELOPE_BYTES, encode, envelope, to_json
from ..heartbeat import ClockOffset, Heartbeat
from ..settings import MAX_FRAME, Settings
from .lifecycle import Life
from .outbox import Outgoing, SentBatch
from .pending import Calls
from .states import ClientCounters, State

__all__ = ["Sending"]

_MAX_BODY = MAX_FRAME - 1024
_CONNECTED = State.CONNECTED  # asking an Enum for a member costs as much as a small call


@lru_cache(maxsize=1024)
def _head(name: str) -> bytes:
    """How the payload of this command begins."""
    return b'{"command":%b,"params":' % encode(name)


class Sending(Life):
    """The outgoing half of a session. ``wall`` gives Unix milliseconds for a monotonic time, for
    the timestamps."""

    def __init__(
        self,
        settings: Settings,
        luck: Callable[[], float],
        *,
        persistent: bool,
        wall: Callable[[float], int],
    ) -> None:
        super().__init__(settings, luck, persistent=persistent)
        self.clock = ClockOffset()
        self.counters = ClientCounters()
        self.on_batch: Callable[[SentBatch], None] | None = None
        """Told of every frame of commands, if set."""
        self._wall = wall
        self.frames: list[bytes] = []
        self._calls = Calls(settings, self.events.append)
        self.outbox = self._calls.outbox
        self._heartbeat: Heartbeat | None = None

    def take_frames(self) -> list[bytes]:
        """The frames to hand to the transport, in order."""
        frames, self.frames = self.frames, []
        counters = self.counters
        counters.frames_out += len(frames)
        counters.bytes_out += sum(map(len, frames))
        return frames

    def command(
        self,
        name: str,
        params: Any,
        now: float,
        *,
        reply: bool = False,
        timeout: float | None = None,
    ) -> Outgoing:
        """Take one command to send: an urgent one at once, an awaited one with all that is queued,
        any other in its batch.

        A baseline server answers nothing: an awaited command is settled as `sent`.

        Raises:
            ValueError, TypeError: the parameters are not plain, finite data, or too large.
        """
        if name in URGENT:
            return self._send_urgent(name, params, now, timeout)
        body = _head(name) + to_json(params)
        if reply and (self.extended or not self.ever_connected):
            body += b',"reply":true'
        size = len(body)
        if size > _MAX_BODY:
            raise ValueError(f"{name}: {size} bytes of parameters do not fit into a frame of 1 MiB")
        command = Outgoing(name, body, now, name in MOTIONS, reply)
        if reply and timeout is not None:
            self._calls.expect(command, now + timeout)
        outbox = self.outbox
        if self.state is not _CONNECTED:
            outbox.add(command, now)
            return command
        queue = outbox.queue
        nbytes = size + ENVELOPE_BYTES
        if queue.bytes + nbytes > queue.max_bytes:
            self.flush(now, "bytes")
        outbox.held_bytes += size
        due = queue.add(command, nbytes, now)
        if reply:
            self.flush(now, "flush")
        elif due is not None:
            self.flush(now, due)
        return command

    def flush(self, now: float, reason: FlushReason = "flush") -> None:
        """Send what is queued now."""
        if self.state is not _CONNECTED:
            return
        sent = self.outbox.flush(now, self._wall(now), reason, self._expiry)
        if sent is None:
            return
        self._hand_over(*sent)
        if self.outbox.expired:
            self._calls.tell_expired(now)
        if not self.extended:
            self._calls.sent(sent[1].commands, now)

    def ping(self, now: float, *, awaited: bool = False) -> int | None:
        """Begin a round trip; returns its id, or None without a connection. Of one that is awaited
        it is told how it ended."""
        if self._heartbeat is None:
            return None
        id = self._heartbeat.ping(now, awaited=awaited)
        self._say(b"ping", b'{"id":%d}' % id, now)
        return id

    def _send_urgent(self, name: str, params: Any, now: float, timeout: float | None) -> Outgoing:
        command = self._calls.urgent.new(name, params, self.outbox.next_sequence - 1, now)
        if name != "release_stop":
            self._calls.settle_all(self.outbox.drop_motion(), now)
        if timeout is not None:
            self._calls.expect(command, now + timeout)
        if self.state is State.CONNECTED:
            self._transmit_urgent(command, now)
        return command

    def _transmit_urgent(self, command: Outgoing, now: float) -> None:
        self._hand_over(*self._calls.urgent.transmit(command, now, self._wall(now)))
        if not self.extended:
            # A server that answers nothing is told once.
            self._calls.urgent.pop(command.id)
            command.settle("sent")
            self._calls.sent([command], now)

    def _hand_over(self, frame: bytes, sent: SentBatch) -> None:
        self.frames.append(frame)
        self.counters.messages_out += len(sent.commands)
        if self.on_batch is not None:
            self.on_batch(sent)

    def _say(self, kind: bytes, payload: bytes, now: float) -> None:
        """Send what is no command."""
        self.frames.append(envelope(kind, payload, self._wall(now)))
        self.counters.messages_out += 1

    def _expiry(self, now: float, remaining: float) -> float | None:
        """The server's clock (ms) after which a motion sent now must not begin."""
        latest = self.clock.latest(now)
        return None if latest is None else (latest + remaining) * 1000
