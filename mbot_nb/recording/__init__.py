"""Recorders, recordings, and the tables they hold.

From the top down; each imports only what stands below it:

    replay/     a recording played back as a robot
    recorder    the live recorder: what its user calls
    recording   a finished run
    capture/    listens to a client or a server and adds rows to the tables
    files/      the formats, and the writer of a run that goes on
    base        what recorder and recording share: the tables by name, summary and report
    summary     a run in a few numbers
    tables/     the schema, columns of packed rows, and their Arrow and pandas forms

`mbot_nb.report` and `mbot_nb.plots` stand between base and summary: they take any
`tables.run_tables.RunTables`.
"""
