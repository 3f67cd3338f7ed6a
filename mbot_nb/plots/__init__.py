"""Pictures of what a recorder has seen: matplotlib, without pyplot and its hidden state.

    mb.plots.latency(rec)       # round trips over time
    mb.plots.path(rec)          # the way the robot drove, in its arena
    mb.plots.batches(rec)       # how many commands shared a frame, and what they waited for it

Each takes ``ax``, the Axes to draw into (yours, from any figure), or makes its own, and returns the Axes. As the last line of a
notebook's cell its own Axes show themselves; ``ax.figure.savefig("latency.png")`` keeps them. All can be read without
colour.
"""

from .batching import batches
from .driving import path
from .round_trips import latency

__all__ = ["batches", "latency", "path"]
