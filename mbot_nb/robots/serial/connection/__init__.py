"""The connection to a robot on a cable.

    guard           starts the guard process and arms it
    guard_process   stops the robot when the program that moves it is killed or held up
    link            one thread per port: reads, writes, keeps deadlines, opens the port again
    port            opens a serial port and waits for its bytes

The link starts the guard when it opens the port.
"""
