"""Robots: what moves.

    dimensions   the size of an mBot2, its wheels and its track
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
    from .watchdog import Watchdog

__all__ = ["SimulatedRobot", "Simulation", "Watchdog", "World"]

_HOMES = {
    "SimulatedRobot": ".simulator",
    "Simulation": ".simulator",
    "World": ".simulator",
    "Watchdog": ".watchdog",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(home, __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
