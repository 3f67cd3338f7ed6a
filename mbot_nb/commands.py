"""Every command a robot may be given, with the types, ranges, units and defaults of its parameters.

One struct per command. A client builds one (and fails early on a bad value), a server parses one
from the wire with :func:`parse`, a robot receives it and matches on its type; a form can be made
from its fields.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, TypeVar, get_args, get_origin

import msgspec
from msgspec import Meta, Struct

from .errors import CommandRejectedError

__all__ = [
    "ALL",
    "TRAITS",
    "Command",
    "CustomCommand",
    "DisplayText",
    "Drive",
    "EmergencyStop",
    "GameMove",
    "Move",
    "PlayTone",
    "ReleaseStop",
    "SetLed",
    "SortPieces",
    "StartDrawing",
    "StartGame",
    "Stop",
    "StopDrawing",
    "StopGame",
    "SyncInventory",
    "SyncState",
    "UpdatePersonality",
    "Void",
    "parse",
    "plain",
]

MAX_MOTION_SECONDS = 10.0
DEFAULT_MOTION_SECONDS = 1.0
TRAITS = (
    "tension_baseline",
    "coherence_baseline",
    "energy_baseline",
    "startle_sensitivity",
    "recovery_speed",
    "curiosity_drive",
    "movement_expressiveness",
    "sound_expressiveness",
    "light_expressiveness",
)

Percent = Annotated[float, Meta(ge=-100, le=100, description="% of full speed, minus is backwards")]
Speed = Annotated[float, Meta(ge=0, le=100, description="% of full speed")]
MotionSeconds = Annotated[float, Meta(ge=0, le=MAX_MOTION_SECONDS, description="s")]
Unit = Annotated[float, Meta(ge=0, le=1, description="0 to 1")]
Byte = Annotated[int, Meta(ge=0, le=255, description="0 to 255")]
Game = Literal["tictactoe", "memory", "simon"]


class Command(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One command. ``name`` is its word on the wire; ``motion`` says that it moves the robot;
    ``urgent`` that it overtakes."""

    name: ClassVar[str] = ""
    motion: ClassVar[bool] = False
    urgent: ClassVar[bool] = False

    def params(self) -> dict[str, Any]:
        """The parameters as they go over the wire."""
        params: dict[str, Any] = msgspec.to_builtins(self)
        return params


Kind = TypeVar("Kind", bound=Command)


class UpdatePersonality(Command, frozen=True, kw_only=True):
    """Change any of the nine personality numbers, each 0 to 1; those not given stay as they are."""

    name: ClassVar[str] = "update_personality"

    tension_baseline: Unit | None = None
    coherence_baseline: Unit | None = None
    energy_baseline: Unit | None = None
    startle_sensitivity: Unit | None = None
    recovery_speed: Unit | None = None
    curiosity_drive: Unit | None = None
    movement_expressiveness: Unit | None = None
    sound_expressiveness: Unit | None = None
    light_expressiveness: Unit | None = None


class StartGame(Command, frozen=True, kw_only=True):
    """Begin a game against the robot."""

    name: ClassVar[str] = "start_game"

    game: Game


class StopGame(Command, frozen=True, kw_only=True):
    """Give the running game up."""

    name: ClassVar[str] = "stop_game"

    game: Game | None = None


class GameMove(Command, frozen=True, kw_only=True):
    """One move; what ``move`` holds is the game's own."""

    name: ClassVar[str] = "game_move"

    move: dict[str, Any] = {}

    def params(self) -> dict[str, Any]:
        return dict(self.move)


class StartDrawing(Command, frozen=True, kw_only=True):
    """Draw a named ``shape``, or drive through ``points`` (x, y in cm from where the robot
    stands)."""

    name: ClassVar[str] = "start_drawing"
    motion: ClassVar[bool] = True

    shape: Annotated[str, Meta(max_length=64)] | None = None
    points: Annotated[list[tuple[float, float]], Meta(min_length=2, max_length=1000)] | None = None


class StopDrawing(Command, frozen=True, kw_only=True):
    """Lift the pen and stop."""

    name: ClassVar[str] = "stop_drawing"


class SortPieces(Command, frozen=True, kw_only=True):
    """Sort the coloured pieces within reach."""

    name: ClassVar[str] = "sort_pieces"


class SyncInventory(Command, frozen=True, kw_only=True):
    """Count the sorted pieces again and report them."""

    name: ClassVar[str] = "sync_inventory"


class CustomCommand(Command, frozen=True, kw_only=True):
    """Anything of the user's own: ``action`` and whatever else the registered handler takes."""

    name: ClassVar[str] = "custom"

    values: dict[str, Any] = {}

    def params(self) -> dict[str, Any]:
        return dict(self.values)


class Drive(Command, frozen=True, kw_only=True):
    """Turn the two wheels for a time."""

    name: ClassVar[str] = "drive"
    motion: ClassVar[bool] = True

    left: Percent
    right: Percent
    duration: MotionSeconds = DEFAULT_MOTION_SECONDS


class Move(Command, frozen=True, kw_only=True):
    """Go forward or backward, or turn on the spot to the left or right, for a time."""

    name: ClassVar[str] = "move"
    motion: ClassVar[bool] = True

    direction: Literal["forward", "backward", "left", "right"]
    speed: Speed = 50.0
    duration: MotionSeconds = DEFAULT_MOTION_SECONDS

    @property
    def wheels(self) -> tuple[float, float]:
        """The speeds of the left and the right wheel, percent of full speed."""
        left, right = {"forward": (1, 1), "backward": (-1, -1), "left": (-1, 1), "right": (1, -1)}[
            self.direction
        ]
        return left * self.speed, right * self.speed


class Stop(Command, frozen=True, kw_only=True):
    """Stand still now, and forget every motion that waits."""

    name: ClassVar[str] = "stop"
    urgent: ClassVar[bool] = True


class EmergencyStop(Command, frozen=True, kw_only=True):
    """Stand still now, and refuse every motion until it is released."""

    name: ClassVar[str] = "emergency_stop"
    urgent: ClassVar[bool] = True


class ReleaseStop(Command, frozen=True, kw_only=True):
    """Release the emergency stop whose id is ``latch``; another one that came since stays."""

    name: ClassVar[str] = "release_stop"
    urgent: ClassVar[bool] = True

    latch: Annotated[str, Meta(max_length=64)]


class SetLed(Command, frozen=True, kw_only=True):
    """Colour one LED (``index`` 1 to 5, from the left) or all of them."""

    name: ClassVar[str] = "set_led"

    r: Byte
    g: Byte
    b: Byte
    index: Annotated[int, Meta(ge=1, le=5, description="1 to 5, none for all")] | None = None


class PlayTone(Command, frozen=True, kw_only=True):
    """Sound one tone."""

    name: ClassVar[str] = "play_tone"

    frequency: Annotated[float, Meta(ge=20, le=20000, description="Hz")]
    duration: Annotated[float, Meta(ge=0, le=10, description="s")] = 0.25


class DisplayText(Command, frozen=True, kw_only=True):
    """Write on the robot's display; an empty text clears it."""

    name: ClassVar[str] = "display_text"

    text: Annotated[str, Meta(max_length=1000)]


class SyncState(Command, frozen=True, kw_only=True):
    """Ask for a fresh snapshot of the whole state."""

    name: ClassVar[str] = "sync_state"


class Void(Command, frozen=True, kw_only=True):
    """Nothing: what an expired motion is sent as, so that its number does not leave a hole."""

    name: ClassVar[str] = "void"


ALL: dict[str, type[Command]] = {
    kind.name: kind
    for kind in (
        UpdatePersonality,
        StartGame,
        StopGame,
        GameMove,
        StartDrawing,
        StopDrawing,
        SortPieces,
        SyncInventory,
        CustomCommand,
        Drive,
        Move,
        Stop,
        EmergencyStop,
        ReleaseStop,
        SetLed,
        PlayTone,
        DisplayText,
        SyncState,
        Void,
    )
}
"""Every command by its word on the wire."""

MAX_DRAWING_SECONDS = 300.0
"""Seconds; a longer one is refused."""
MOTIONS = frozenset(name for name, kind in ALL.items() if kind.motion)
URGENT = frozenset(name for name, kind in ALL.items() if kind.urgent)


def parse(name: str, params: Mapping[str, Any]) -> Command:
    """The command that ``name`` and ``params`` say.

    Raises:
        CommandRejectedError: ``INVALID_COMMAND`` for a name that is not in the vocabulary,
            ``INVALID_PARAMS`` for parameters that are missing, of the wrong type or out of range.
    """
    kind = ALL.get(name)
    if kind is None:
        raise CommandRejectedError(
            "INVALID_COMMAND",
            f"there is no command {name[:64]!r}; this robot knows {', '.join(sorted(ALL))}",
            command=name,
        )
    if kind is GameMove:
        return GameMove(move=dict(params))
    if kind is CustomCommand:
        return CustomCommand(values=dict(params))
    if kind is UpdatePersonality:
        return _personality(params)
    try:
        command = _convert(params, kind)
    except msgspec.ValidationError as error:
        raise CommandRejectedError(
            "INVALID_PARAMS",
            f"{name}: {readable(error)}; it takes {signature(kind)}",
            command=name,
        ) from None
    if isinstance(command, StartDrawing) and (command.shape is None) == (command.points is None):
        raise CommandRejectedError(
            "INVALID_PARAMS", "start_drawing: give either a shape or points", command=name
        )
    return command


def _personality(params: Mapping[str, Any]) -> UpdatePersonality:
    """The nine numbers come flat or under ``personality``; an empty or misspelt change is
    refused."""
    nested = params.get("personality", params)
    values = nested if isinstance(nested, Mapping) else {}
    unknown = [key for key in values if key not in TRAITS]
    if not values or unknown:
        wrong = f"{unknown[0]!r} is not one of them" if unknown else "none was given"
        raise CommandRejectedError(
            "INVALID_PARAMS",
            f"update_personality: {wrong}; it takes any of {', '.join(TRAITS)}, each 0 to 1",
            command="update_personality",
        )
    try:
        return _convert(values, UpdatePersonality)
    except msgspec.ValidationError as error:
        raise CommandRejectedError(
            "INVALID_PARAMS",
            f"update_personality: {readable(error)}; each number is 0 to 1",
            command="update_personality",
        ) from None


def _convert(params: Mapping[str, Any], kind: type[Kind]) -> Kind:
    """The command; a second look takes what only means a number, like NumPy's."""
    try:
        return msgspec.convert(params, kind)
    except msgspec.ValidationError:
        return msgspec.convert(plain(params), kind)


_SIMPLE = frozenset((str, float, int, bool, type(None)))


def plain(value: Any) -> Any:
    """A copy in plain data, where NumPy's numbers and arrays and pandas' columns are numbers and
    lists."""
    if type(value) in _SIMPLE:
        return value
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    to_list = getattr(value, "tolist", None)
    return to_list() if callable(to_list) else value


_WORDS = {
    "float": "a number",
    "int": "a whole number",
    "str": "a text",
    "array": "a list",
    "object": "a dict",
    "null": "None",
}
"""msgspec's types, as a pupil knows them."""


def readable(error: msgspec.ValidationError) -> str:
    """msgspec's sentence in plain words, the path first: ``left: expected a number <= 100``."""
    text, _, path = str(error).partition(" - at `$")
    path = path.rstrip("`").lstrip(".")
    text = text.replace("Object missing required field", "missing").replace("Expected", "expected")
    text = text.replace("Invalid enum value", "there is no").replace(" | null`", "`")
    text = text.replace("got `float`", "got one with a decimal point")
    text = re.sub(r"`(\w+)`", lambda match: _WORDS.get(match[1], match[0]), text)
    text = re.sub(r"(\d)\.0\b", r"\1", text)
    return f"{path}: {text}" if path else text


def signature(kind: type[Command]) -> str:
    """A command's parameters in words: ``left (-100 to 100), right (-100 to 100), duration (0 to
    10, default 1.0)``."""
    words = []
    for field in msgspec.structs.fields(kind):
        low, high = _range(field.type)
        notes = [f"{low:g} to {high:g}"] if low is not None and high is not None else []
        choices = _choices(field.type)
        if choices:
            notes.append(f"{', '.join(choices[:-1])} or {choices[-1]}")
        if not field.required and field.default is not None:
            notes.append(f"default {field.default}")
        elif not field.required:
            notes.append("optional")
        words.append(f"{field.name} ({', '.join(notes)})" if notes else field.name)
    return ", ".join(words) or "no parameters"


def _choices(annotation: Any) -> tuple[str, ...]:
    """The words that a field takes, wherever in an optional they stand; none for another kind of
    field."""
    for part in (annotation, *getattr(annotation, "__args__", ())):
        if get_origin(part) is Literal:
            return get_args(part)
    return ()


def _range(annotation: Any) -> tuple[float | None, float | None]:
    """The limits that a field's ``Meta`` states, wherever in an optional it stands."""
    for part in (annotation, *getattr(annotation, "__args__", ())):
        for meta in getattr(part, "__metadata__", ()):
            if isinstance(meta, Meta) and meta.ge is not None:
                return meta.ge, meta.le
    return None, None
