"""A simulated mBot2 in a world that is data.

From the bottom up:

    geometry     rectangles that may be turned: distance, overlap, rays
    world        walls, boxes, lines, lights, pieces and starting places, as data
    space        what is solid, and what happens at a collision
    body         two wheels, their acceleration, the pose
    senses       line, light and sound sensor
    scene        a world as it is now: boxes come and go, sounds fade
    agent        one robot in the simulation: body, plan, trail, sensors, mind
    drawing      what the motors are set to so that the robot drives a figure
    simulation   time: the state of all robots as a function of the clock
    robot        the robot as a server sees it: commands, state, telemetry

Each imports only what stands above it.
"""

from __future__ import annotations

from .robot import SimulatedRobot
from .simulation import Simulation
from .world import World

__all__ = ["SimulatedRobot", "Simulation", "World"]
