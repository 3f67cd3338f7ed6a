"""Event loops, and calls that work from every loop and every thread.

Modules:

    home       the home loop of a client or server; the I/O thread
    call       calls that run on their object's home loop, and say so if nobody awaits them
    blocking   waiting for a coroutine from synchronous code
    deadline   the one timer of an object that has many deadlines
    nested     a coroutine run to its end inside a loop that runs already
    kernel     the notebook's kernel that this process is, if it is one
    monitor    when a loop was blocked, and for how long
"""
