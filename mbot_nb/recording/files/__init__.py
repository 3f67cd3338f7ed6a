"""File formats of recordings, and the writer of a run that goes on.

Modules:

    formats        which format a path means, and what can go wrong with it
    mbot_file      our own format (`.mbot`), whole or piece by piece
    mbot_blocks    its blocks, which stay readable when the writer is killed
    parquet_file   Parquet
    csv_file       CSV
    jsonl_file     JSON Lines
    mcap_file      MCAP, the log format of robotics
    json_rows      rows as JSON objects and back
    long_form      all tables of a recording in one
    writer         carries rows to a file, from a thread of its own
    spilled        rows from file, queue and memory as whole tables
"""
