"""Robots on a cable: an mBot2 (CyberPi, f3 frames) and an mBot (mCore, ff55 frames).

From the bottom up:

    wire/          frames and dialects, and requests matched with their answers; pure
    connection/    the port, the link that heals, and the guard process that stops the motors
    mood           the robot's mind, which follows what its sensors measure
    odometry       where a robot is, from what its wheels have turned; pure
    calibration    a robot's own constants, measured and kept by its serial number
    localization   odometry and calibration of one robot
    lights         the LEDs: what they are set to, and what a game shows meanwhile
    tones          tones, sent in slices
    motion_clock   ends a motion on time
    telemetry      when telemetry is reported; sections of the state and events as plain data
    games          the games, shown on LEDs and loudspeaker
    driver         what both drivers share: motions, state, events
    cyberpi        the driver of the mBot2
    mcore          the driver of the mBot
    detection      finds out which robot is at a port

Each imports only what stands above it. pyserial loads when a port is opened.
"""
