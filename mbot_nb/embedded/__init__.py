"""Servers and clients of this process: `mb.serve`, `mb.connect` and `mb.discover`.

Modules:

    api              `serve` and `connect`
    registry         which servers run here, and which of them a start cell run again replaces
    usb              `connect("usb")`: which port is meant, and the robot at it
    cable_server     servers that are started for a robot on a cable, and end with their last client
    discovery        what there is to connect to, and why the rest cannot be used
    route            the route of a client's messages in this process: relays, server, loops
    stall_warnings   warns when something blocked the event loop
"""
