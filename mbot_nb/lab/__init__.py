"""The latency lab: experiments that can be believed, repeated and compared.

from mbot_nb import lab

async with lab.network("wifi", seed=1).relay(server) as relay:
    bot = await mb.connect(relay.url)
    run = await lab.ping(bot, rate=50, duration=10)

run.statistics, run.samples, run.stalls
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
