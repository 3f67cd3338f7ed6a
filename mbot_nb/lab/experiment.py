"""One experiment from nothing to a row of numbers: what `lab.sweep` repeats."""

from __future__ import annotations

from typing import Any

from .. import embedded
from ..protocol.settings import BatchPolicy
from ..transport.network import Network
from .loading import load
from .networks import network as network_of
from .statistics import summarise

__all__ = ["measure_load"]


async def measure_load(
    *,
    rate: float = 50.0,
    duration: float = 5.0,
    network: str | Network = "perfect",
    batch_window: float = 0.1,
    max_batch_size: int = 10,
    policy: BatchPolicy = "window",
    work: float = 0.0,
    seed: int = 0,
) -> dict[str, Any]:
    """Start a server with a simulated robot, put a network in front of it, and `lab.load` a client through it.

    All three live on the I/O thread, so that a busy cell is no part of the experiment. Returns one flat row, times in ms:
    `p50_ms`, `p50_low_ms`, `p50_high_ms` and so on for p90, p99 and p99_9, counted from the intended send times to the answers,
    without warm-up and without stalls; `mean_ms`, `jitter_ms`; `wait_ms`, the mean wait in a batch, and `expected_wait_ms`, its
    closed form; `messages_per_frame`, `n`, `lost`, `stalled`.
    """
    async with (
        embedded.serve(port=0, thread=True) as server,
        network_of(network, seed=seed).relay(server) as relay,
        embedded.connect(
            relay.url,
            thread=True,
            retry=True,
            batch_window=batch_window,
            max_batch_size=max_batch_size,
            batch_policy=policy,
        ) as bot,
    ):
        run = await load(bot, rate=rate, duration=duration, work=work)
    row = summarise(run.delays() * 1e3).row()
    named = ("p50", "p90", "p99", "p99_9")
    sent = run.samples[run.samples["batch"] > 0]
    figures = {f"{name}{end}_ms": row[f"{name}{end}"] for name in named for end in ("", "_low", "_high")}
    return {
        **figures,
        "mean_ms": row["mean"],
        "jitter_ms": row["jitter"],
        "wait_ms": run.mean_wait * 1e3,
        "expected_wait_ms": run.expected_wait * 1e3,
        "messages_per_frame": len(sent) / max(1, sent["batch"].nunique()),
        "n": row["n"],
        "lost": run.lost,
        "stalled": run.stalled,
    }
