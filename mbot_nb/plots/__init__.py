"""Pictures of what a recorder has seen or the lab has measured: matplotlib, without pyplot and its
hidden state.

    mb.plots.latency(rec)       # round trips over time, with stalls and cuts
    mb.plots.ecdf(a, b)         # how delays are distributed; also histogram, percentiles, heatmap
    mb.plots.compare(a, b)      # percentiles with their intervals, side by side
    mb.plots.stages(load)       # where the time of a command goes
    mb.plots.sweep(table)       # a sweep with intervals; also waits and throughput
    mb.plots.batches(rec)       # how many commands shared a frame, and what they waited for it
    mb.plots.reconnects(rec)    # the ladder of attempts after a cut
    mb.plots.order(rec)         # how events that came out of order were put in order
    mb.plots.path(rec)          # the way the robot drove, in its arena
    mb.plots.twin(twin)         # one program on two robots; also reactions: how soon they begin

Each takes ``ax``, the Axes to draw into (yours, from any figure), or makes its own, and returns the
Axes. As the last line of a notebook's cell its own Axes show themselves;
``ax.figure.savefig("latency.png")`` keeps them. All can be read without colour, and say n and the
settings.

Modules:

    series          what can be drawn as delays over time, in one form
    distributions   how delays are distributed: ecdf, percentiles, histogram, heat map
    round_trips     round trips over time
    runs            runs, or points of a sweep, side by side with their intervals
    stages          where the time of a command goes
    batching        how commands shared frames
    trade_offs      what batching costs and brings
    ordering        how events that came out of order were put in order
    ladder          the delays of a client's attempts to connect again
    driving         the way the robot drove
    twins           one program on two robots
    table           a sweep's table as plots read it
    figure          figures that show themselves in a notebook, without pyplot
"""

from .batching import batches
from .distributions import ecdf, heatmap, histogram, percentiles
from .driving import path
from .ladder import reconnects
from .ordering import order
from .round_trips import latency
from .runs import compare, sweep
from .stages import stages
from .trade_offs import throughput, waits
from .twins import reactions, twin

__all__ = [
    "batches",
    "compare",
    "ecdf",
    "heatmap",
    "histogram",
    "latency",
    "order",
    "path",
    "percentiles",
    "reactions",
    "reconnects",
    "stages",
    "sweep",
    "throughput",
    "twin",
    "waits",
]
