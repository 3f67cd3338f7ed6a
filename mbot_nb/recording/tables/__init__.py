"""The tables of a recording: schema, packed columns, Arrow and pandas forms.

Modules:

    schema          the tables, column by column, with their units
    table           a table that grows by rows and is kept by columns
    columns         rows packed into columns of plain bytes
    command_table   the table of commands, whose rows change until their end is known
    state_table     the robot's state, one row for each field that got a value
    json_columns    JSON text in a column, decoded into columns of its own
    arrow           packed columns as Arrow arrays, and both as DataFrames
    run_tables      the Protocol of what shows or counts a run: its tables
"""
