"""A recording played back as a robot.

Modules:

    robot      `ReplayRobot`
    timeline   the robot's state at any moment of a recording, and what happened when
"""
