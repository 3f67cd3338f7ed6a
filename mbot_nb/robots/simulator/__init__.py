"""A simulated mBot2 in a world that is data.

From the bottom up:

    body         two wheels, their acceleration, the pose
    space        what is solid, and what happens at a collision
    world        walls and starting places, as data
    agent        one robot's life in the simulation: body, plan, trail
    simulation   time: everybody's state as a function of the clock
    robot        the face to a server: commands, state, telemetry

Each may import only what stands above it.
"""

from __future__ import annotations

from .robot import SimulatedRobot
from .simulation import Simulation
from .world import World

__all__ = ["SimulatedRobot", "Simulation", "World"]
