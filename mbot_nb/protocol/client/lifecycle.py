"""The life of a client's connections: where it stands, when it tries again, and what it tells of
that."""

from __future__ import annotations

from collections.abc import Callable

from ..backoff import Backoff
from ..loss import Loss, LossKind, is_final
from ..settings import Settings
from .events import ClientEvent, ConnectionChanged, Dial, Drop
from .states import TRANSITIONS, WORDS, State

__all__ = ["Life"]


class Life:
    """One connection after the other. ``luck`` gives numbers in [0, 1) for the jitter of the delays
    between them."""

    def __init__(self, settings: Settings, luck: Callable[[], float], *, persistent: bool) -> None:
        self.settings = settings
        self.state = State.IDLE
        self.extended = False
        """Whether the server chose ``mbot.v2``."""
        self.ever_connected = False
        self.persistent = persistent
        """Keep trying also when the first connection fails."""
        self.next_attempt_at: float | None = None
        self.last_loss: Loss | None = None
        self.condemned: Loss | None = None
        """Why the shell was told to drop the connection."""
        self.backoff = Backoff(settings)
        self._luck = luck
        self.events: list[ClientEvent] = []

    @property
    def connection_state(self) -> str:
        """One of disconnected, connecting, connected, reconnecting, error."""
        if self.ever_connected and self.state in (State.DIALLING, State.SYNCHRONISING):
            return WORDS[State.WAITING]
        return WORDS[self.state]

    def take_events(self) -> list[ClientEvent]:
        """What has happened since the last time, in order."""
        events = self.events[:]
        self.events.clear()
        return events

    def dial(self, now: float) -> None:
        """Make a connection now; also resets the ladder of delays."""
        self.backoff.reset()
        self._dial(now)

    def _lose(self, loss: Loss, now: float) -> bool:
        """The connection ended, or none could be made; whether no other one will be tried."""
        previous = self.connection_state
        self.condemned = None
        self.last_loss = loss
        final = is_final(loss) or not (self.ever_connected or self.persistent)
        self._go("fail" if final else "lose")
        self.next_attempt_at = None if final else now + self.backoff.next_delay(loss, self._luck())
        self._changed(previous, now, loss=loss)
        return final

    def _stand(self, now: float, resumed: bool) -> None:
        """The first snapshot has come: the connection stands, and the server remembers us or
        not."""
        previous = self.connection_state
        again, attempt = self.ever_connected, self.backoff.attempts
        self._go("snapshot")
        self.ever_connected = True
        self.backoff.reset()
        self._changed(previous, now, attempt=attempt, resumed=resumed if again else None)

    def _end(self, now: float) -> None:
        """It ends for good."""
        previous = self.connection_state
        self._go("close")
        self.condemned = self.next_attempt_at = None
        if previous != self.connection_state:
            self._changed(previous, now)

    def _dial(self, now: float) -> None:
        previous = self.connection_state
        self._go("dial")
        self.next_attempt_at = None
        self.backoff.begin()
        self._changed(previous, now)
        self.events.append(Dial(self.backoff.attempts))

    def _drop(self, kind: LossKind, detail: str, code: int) -> None:
        """This connection is of no use: the shell takes it down and then says that it is lost, with
        this reason."""
        self.condemned = Loss(kind, detail)
        self.events.append(Drop(code, detail))

    def _go(self, happening: str) -> None:
        self.state = TRANSITIONS[self.state, happening]

    def _changed(
        self,
        previous: str,
        now: float,
        *,
        loss: Loss | None = None,
        attempt: int | None = None,
        resumed: bool | None = None,
    ) -> None:
        attempt = self.backoff.attempts if attempt is None else attempt
        self.events.append(
            ConnectionChanged(
                now, self.connection_state, previous, attempt, self.next_attempt_at, loss, resumed
            )
        )
