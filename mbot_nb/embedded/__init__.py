"""Servers and clients of this process: `mb.serve`, `mb.connect`, robots on a cable, discovery."""
