"""How commands shared frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from .figure import INK, MARK, PALE, count, finish, new_axes
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
    settings = batchings(rec.metadata)
    ends = [since for since, _, _ in settings[1:]] + [float("inf")]
    used = [
        setting
        for setting, end in zip(settings, ends, strict=True)
        if ((times >= setting[0]) & (times < end)).any()
    ]
    return used or settings[-1:]


def batches(rec: RunTables, ax: Axes | None = None) -> Axes:
    """Every frame of commands over time: its height is the number of commands in it, its marker
    says why it left then."""
    ax = ax or new_axes(8.0, 3.2)
    frames = rec.batches
    frames = frames[frames.direction == "out"]
    start, last, fullest = (
        (float(frames.time_s.min()), float(frames.time_s.max()), int(frames.messages.max()))
        if len(frames)
        else (0.0, 0.0, 0)
    )
    for reason, (marker, color, words) in _REASONS.items():
        some = frames[frames.reason == reason]
        if len(some):
            at, label = some.time_s - start, f"{words} ({len(some)})"
            ax.vlines(at, 0, some.messages, color=color, linewidth=1, alpha=0.5)
            ax.plot(at, some.messages, marker, color=color, markersize=7, label=label)
    settings = _in_force(rec, frames.time_s)
    untils = [since - start for since, _, _ in settings[1:]] + [last - start]
    for (since, size, _), until in zip(settings, untils, strict=True):
        begin = max(0.0, since - start)
        ax.hlines(size, begin, max(begin, until), color=PALE, linewidth=0.8, linestyle=":")
    ax.set_ylim(0, max(fullest, *(size for _, size, _ in settings)) * 1.12)
    ax.yaxis.set_major_locator(MaxNLocator(integer=True))
    details = "no commands were sent yet"
    if len(frames):
        commands = int(frames.messages.sum())
        waited = float((frames.wait_mean_ms * frames.messages).sum()) / commands
        changed = "".join(
            f"; from {since - start:.1f} s on {words}" for since, _, words in settings[1:]
        )
        details = (
            f"n = {count(commands, 'command', 'commands')} in "
            f"{count(len(frames), 'frame', 'frames')}, {commands / len(frames):.1f} a frame; "
            f"mean wait {waited:.3g} ms ({settings[0][2]}{changed})"
        )
    return finish(
        ax,
        "Commands share frames",
        details,
        f"Frames of commands over time: {details}.",
        x="time / s",
        y="commands in the frame",
        legend=4,
    )
