"""Folders of recordings, opened as one dataset.

Modules:

    dataset   `Dataset`: one table for each name, read by DuckDB or Dask without loading them
    index     which recording, robot and table each file belongs to, and which cannot be read
    cache     recordings in other formats as Parquet files, made once
"""
