"""Robots: what moves.

    dimensions   the size of an mBot2, its wheels and its track
    timer        a callback that can be cancelled before it is due
    watchdog     a thread that ends motion on time
    behaviour/   what simulated and real robots share: mind, games, stimuli
    simulator/   a simulated mBot2 in a world that is data
    serial/      robots on a cable: mBot2 and mBot
    emulators/   both of these without a robot: the same bytes on a pseudo-terminal

Each name is loaded when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .simulator import SimulatedRobot, Simulation, World

__all__ = ["SimulatedRobot", "Simulation", "World"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(".simulator", __name__), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
