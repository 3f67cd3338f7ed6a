"""What simulated and real robots share.

    games/    the three games: rules alone
    mind      tension, coherence, energy and curiosity, which follow what the robot meets
    noise     noise as a function of seed, sensor and reading
    playing   the game a robot plays, and what it shows on LEDs and loudspeaker
    stimuli   finds obstacles, bumps, bangs, a lost line and buttons in sensor values

Nothing here knows the simulator or a cable.
"""
