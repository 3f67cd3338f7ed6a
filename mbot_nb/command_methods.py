"""The commands as methods, written once for every kind of client.

``R`` is what a method gives back: something to await for the async client, the result itself for
the synchronous one.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, Generic, Literal, TypeVar

from msgspec import Struct

from . import commands as c
from .commands import Command, Game
from .robot import Ended

__all__ = ["CommandMethods", "CommandResult"]

R = TypeVar("R", covariant=True)


class CommandResult(Struct, frozen=True, kw_only=True):
    """How a command went.

    ``value`` is what the robot or the handler gave back, ``ended`` how a motion ended (time,
    replaced, stopped), ``seconds`` the time from the call to the answer. ``answered`` is False
    where the server cannot answer; then only the sending is sure.
    """

    command: str
    value: Any = None
    ended: Ended | None = None
    seconds: float = 0.0
    answered: bool = True

    def __repr__(self) -> str:
        how = f", ended: {self.ended}" if self.ended else ""
        value = (
            f", value: {self.value!r}" if self.value not in (None, {}) and not self.ended else ""
        )
        if not self.answered:
            return f"<{self.command}: sent (no answer)>"
        return f"<{self.command}: done in {self.seconds:.3f} s{how}{value}>"


class CommandMethods(Generic[R]):
    """Every command of the robot as a method. A subclass says what becomes of it in
    :meth:`_command`."""

    @abstractmethod
    def _command(self, command: Command, *, wait: bool = True) -> R:
        """Send the command; ``wait`` for the end of what it starts, or only for its arrival."""

    # Motion.

    def drive(
        self,
        left: float,
        right: float,
        duration: float = c.DEFAULT_MOTION_SECONDS,
        *,
        wait: bool = True,
    ) -> R:
        """Turn the left and right wheel at -100 to 100 % of full speed for ``duration`` seconds (0
        to 10).

        Returns when the motion has ended; with ``wait=False`` when it has been received.
        """
        return self._command(
            self._checked(c.Drive.name, left=left, right=right, duration=duration), wait=wait
        )

    def move(
        self,
        direction: Literal["forward", "backward", "left", "right"],
        speed: float = 50.0,
        duration: float = c.DEFAULT_MOTION_SECONDS,
        *,
        wait: bool = True,
    ) -> R:
        """Go forward or backward, or turn left or right on the spot, at 0 to 100 % for ``duration``
        seconds."""
        return self._command(
            self._checked(c.Move.name, direction=direction, speed=speed, duration=duration),
            wait=wait,
        )

    def stop(self) -> R:
        """Stand still now. Acts at once, awaited or not, and overtakes everything."""
        return self._command(c.Stop())

    def emergency_stop(self) -> R:
        """Stand still now and refuse all motion until :meth:`release_stop`. Acts at once, awaited
        or not."""
        return self._command(c.EmergencyStop())

    def release_stop(self, latch: str | None = None) -> R:
        """Release the emergency stop that stands (``state.latch``), or the one named."""
        return self._command(
            c.ReleaseStop(latch=latch if latch is not None else self._active_latch)
        )

    # Light, sound, display.

    def set_led(self, r: int, g: int, b: int, index: int | None = None) -> R:
        """Colour LED 1 to 5, or all of them; each part 0 to 255."""
        return self._command(self._checked(c.SetLed.name, r=r, g=g, b=b, **_given(index=index)))

    def play_tone(self, frequency: float, duration: float = 0.25) -> R:
        """Sound a tone of 20 to 20000 Hz for ``duration`` seconds."""
        return self._command(self._checked(c.PlayTone.name, frequency=frequency, duration=duration))

    def display_text(self, text: str) -> R:
        """Write on the robot's display; an empty text clears it."""
        return self._command(self._checked(c.DisplayText.name, text=text))

    # Mind and games.

    def update_personality(self, **traits: float) -> R:
        """Change any of the nine personality numbers, each 0 to 1."""
        return self._command(self._checked(c.UpdatePersonality.name, **traits))

    def start_game(self, game: Game) -> R:
        """Begin tictactoe, memory or simon; follow `state.game_state`, and the events `game_won`
        and `game_lost`."""
        return self._command(self._checked(c.StartGame.name, game=game))

    def stop_game(self, game: Game | None = None) -> R:
        """Give the running game up."""
        return self._command(self._checked(c.StopGame.name, **_given(game=game)))

    def game_move(self, **move: Any) -> R:
        """One move in the running game."""
        return self._command(c.GameMove(move=move))

    def start_drawing(
        self, shape: str | None = None, points: Sequence[tuple[float, float]] | None = None
    ) -> R:
        """Draw a named shape, or drive through points (x, y in cm); the event `drawing_complete`
        brings the path."""
        given = _given(
            shape=shape, points=None if points is None else [list(point) for point in points]
        )
        return self._command(self._checked(c.StartDrawing.name, **given))

    def stop_drawing(self) -> R:
        """Lift the pen and stop."""
        return self._command(c.StopDrawing())

    def sort_pieces(self) -> R:
        """Sort the coloured pieces within reach."""
        return self._command(c.SortPieces())

    def sync_inventory(self) -> R:
        """Count the sorted pieces again; the event `inventory_updated` brings the count."""
        return self._command(c.SyncInventory())

    # The rest.

    def custom(self, action: str, **params: Any) -> R:
        """Whatever the server's handler of `custom` makes of it."""
        return self._command(c.CustomCommand(values={"action": action, **params}))

    def sync_state(self) -> R:
        """Ask for a fresh snapshot of the whole state."""
        return self._command(c.SyncState())

    # For subclasses.

    @property
    def _active_latch(self) -> str:
        """The id of the emergency stop that is active, or an empty text."""
        raise NotImplementedError

    @staticmethod
    def _checked(name: str, **params: Any) -> Command:
        """The command, or the error that says what is wrong with its parameters before anything is
        sent."""
        return c.parse(name, params)


def _given(**params: Any) -> dict[str, Any]:
    """The parameters that are not None."""
    return {name: value for name, value in params.items() if value is not None}
