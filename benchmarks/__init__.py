"""mbot_nb side by side with what its user would pick instead: ``python -m benchmarks [NAME ...]``.

Both sides of every figure are measured in one run, taking turns, on loopback, with garbage
collection on. Each figure goes into ``benchmarks/results.json`` as soon as it is known, with its
time and commit; a table on the screen ends the run. ``--against OLD.json`` compares two files.
"""
