"""What only a notebook needs: its cells, hints, progress bars, and fixes for ipykernel.

Modules:

    cells             which cell made a client or server, and whether a later run has let go of it
    cell_log          which cell ran when
    handlers          whether a handler is an earlier one again, and whether it was cancelled
    hints             what to do next, below errors that newcomers meet: a forgotten `await`
    ipykernel_fixes   fixes for ipykernel 7: every message is handled, every cell's end reported
    progress_bar      a bar with a Cancel button, or a line in a terminal
    reachability      what the user can still reach: by names, widgets and running code
"""
