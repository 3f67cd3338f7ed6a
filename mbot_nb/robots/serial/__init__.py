"""Robots on a cable: an mBot2 (CyberPi, f3 frames) and an mBot (mCore, ff55 frames).

From the bottom up:

    literals     values and calls as robots write them
    f3  ff55     frames: bytes in, frames out, pure
    dialects     which answer belongs to which request, pure
    exchange     all requests of one connection: numbers, deadlines, late answers, pure
    port         opening a serial port, whatever stands behind it
    guard        a small process that stops the robot when this one is killed or held up; guarding
    starts it link         one thread per port: requests with deadlines, the clock of motion,
    unplugged and plugged again stimuli      what happens around the robot, found in what its
    sensors tell feelings     how it feels about that
    odometry     where a robot is, from what its wheels have turned, pure
    calibration  a robot's own constants, measured and kept by its serial number
    whereabouts  both for one robot
    robot        what both robots share: motions, state, events
    cyberpi      the driver of the mBot2
    mcore        the driver of the mBot
    probing      which of them is at a port
    emulators    both robots without a robot: the same bytes on a pseudo-terminal

Each may import only what stands above it. pyserial loads when a port is opened.
"""
