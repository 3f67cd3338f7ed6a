"""The latency lab: experiments that can be believed, repeated and compared.

from mbot_nb import lab

async with lab.network("wifi", seed=1).relay(server) as relay:
    bot = await mb.connect(relay.url)
    run = await lab.ping(bot, rate=50, duration=10)

run.statistics, run.samples, run.stalls

Modules:

    latency        `ping`: round trips, measured so that a stall does not hide itself
    loading        `load`: what becomes of commands under load, stage by stage
    load_handler   the server's side of `load`
    schedule       sending on a fixed schedule, whatever happens to what was sent before
    networks       networks by name or by number, and the relay that plays one
    experiment     experiments from nothing to a row of numbers
    sweeping       `sweep`: many experiments, here or on other machines
    comparison     whether two series of delays differ, and by how much
    twins          `twin`: one program on a simulated and a real robot
    statistics     percentiles with intervals that say how much to trust them
    clock_offset   the offset between two monotonic clocks, with its error
    environment    what an experiment ran in: relays, server, loops
    results        what an experiment leaves: samples, statistics, settings
"""

from __future__ import annotations

from ..datasets.dataset import Dataset, dataset
from ..protocol.batching import mean_wait
from ..transport.network import Network
from ..transport.relay import Relay
from .comparison import Comparison, compare
from .experiment import measure_load, measure_throughput
from .latency import PingRun, ping
from .load_handler import answer
from .loading import LoadRun, load
from .networks import NETWORKS, Conditions, network
from .results import Run
from .statistics import Estimate, Summary, percentile, summarise
from .sweeping import sweep
from .twins import Twin, twin

__all__ = [
    "NETWORKS",
    "Comparison",
    "Conditions",
    "Dataset",
    "Estimate",
    "LoadRun",
    "Network",
    "PingRun",
    "Relay",
    "Run",
    "Summary",
    "Twin",
    "answer",
    "compare",
    "dataset",
    "load",
    "mean_wait",
    "measure_load",
    "measure_throughput",
    "network",
    "percentile",
    "ping",
    "summarise",
    "sweep",
    "twin",
]
