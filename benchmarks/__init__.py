"""mbot_nb side by side with what its user would pick instead: ``python -m benchmarks [NAME ...]``.

Both sides of every figure are measured in one run, taking turns, on loopback, with garbage
collection on. The result is a table on the screen and ``benchmarks/results.json``.
"""
