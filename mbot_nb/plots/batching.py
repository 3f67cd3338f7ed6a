"""How commands shared frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from .figure import INK, MARK, PALE, SHADE, count, describe, headline, legend_below, new_axes
from .series import batchings

if TYPE_CHECKING:
    import pandas as pd

    from ..recording.tables.run_tables import RunTables

__all__ = ["batches"]

# Why a frame left, as marker and words; in this order in the legend.
_REASONS = {
    "size": ("s", INK, "it was full"),
    "window": ("o", INK, "the window was over"),
    "flush": ("^", PALE, "an answer was awaited"),
    "urgent": ("*", MARK, "urgent: a stop"),
    "resend": ("D", PALE, "sent again after a cut"),
    "idle": ("v", PALE, "the link was idle"),
    "bytes": ("P", PALE, "1 MiB was reached"),
    "unbatched": (".", PALE, "not batched"),
}


def _in_force(rec: RunTables, times: pd.Series[float]) -> list[tuple[float, int, str]]:
    """The ways of batching that frames left by, in the order of time; the present one if none
    did."""
    ways = batchings(rec.metadata)
    ends = [since for since, _, _ in ways[1:]] + [float("inf")]
    used = [
        way
        for way, end in zip(ways, ends, strict=True)
        if ((times >= way[0]) & (times < end)).any()
    ]
    return used or ways[-1:]


def batches(rec: RunTables, ax: Axes | None = None) -> Axes:
    """Every frame of commands over time: its height is the number of commands in it, its marker
    says why it left then."""
    if ax is None:
        ax = new_axes(8.0, 3.2)
    frames = rec.batches
    frames = frames[frames.direction == "out"]
    start = float(frames.time_s.min()) if len(frames) else 0.0
    for reason, (marker, colour, words) in _REASONS.items():
        some = frames[frames.reason == reason]
        if len(some):
            at = some.time_s - start
            ax.vlines(at, 0, some.messages, color=colour, linewidth=1, alpha=0.5)
            ax.plot(
                at,
                some.messages,
                marker,
                color=colour,
                markersize=7,
                label=f"{words} ({len(some)})",
            )
    ways = _in_force(rec, frames.time_s)
    most = max(size for _, size, _ in ways)
    commands = int(frames.messages.sum())
    for (since, size, _), until in zip(
        ways, [*(since for since, _, _ in ways[1:]), None], strict=True
    ):
        begin = since - start if since > start else 0.0
        end = (
            max(begin, float(frames.time_s.max()) - start if len(frames) else 0.0)
            if until is None
            else until - start
        )
        ax.hlines(size, begin, end, color=PALE, linewidth=0.8, linestyle=":")
    ax.set_ylim(0, max(most, int(frames.messages.max()) if len(frames) else 0) * 1.12)
    ax.yaxis.set_major_locator(MaxNLocator(integer=True))
    ax.grid(axis="y", color=SHADE, linewidth=0.8)
    ax.set_axisbelow(True)
    ax.set_xlabel("time / s")
    ax.set_ylabel("commands in the frame")
    if len(frames):
        waited = float((frames.wait_mean_ms * frames.messages).sum()) / commands
        shared = (
            f"n = {count(commands, 'command', 'commands')} in "
            f"{count(len(frames), 'frame', 'frames')}"
        )
        details = (
            f"{shared}, {commands / len(frames):.1f} a frame; mean wait {waited:.3g} ms "
            f"({ways[0][2]}"
        )
        details += (
            "".join(f"; from {since - start:.1f} s on {words}" for since, _, words in ways[1:])
            + ")"
        )
        legend_below(ax, 4)
    else:
        details = "no commands were sent yet"
    headline(ax, "Commands share frames", details)
    describe(ax, f"Frames of commands over time: {details}.")
    return ax
