"""Robots on a cable: an mBot2 (CyberPi, f3 frames) and an mBot (mCore, ff55 frames).

From the bottom up:

    wire/         frames and dialects, and requests matched with their answers; pure
    connection/   the port, the link that heals, and the guard process that stops the motors
    stimuli       what happens around the robot, found in what its sensors tell
    mood          how it feels about that
    odometry      where a robot is, from what its wheels have turned; pure
    calibration   a robot's own constants, measured and kept by its serial number
    localization  odometry and calibration for one robot
    driver        what both robots share: motions, state, events
    cyberpi       the driver of the mBot2
    mcore         the driver of the mBot
    detection     which of them is at a port

Each may import only what stands above it. pyserial loads when a port is opened.
"""
