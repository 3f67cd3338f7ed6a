"""Where the time of a command goes, stage by stage."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matplotlib.axes import Axes

from ..errors import UsageError
from .figure import PALE, SMALL, STYLES, beside, finish, ms, new_axes
from .series import series_of

if TYPE_CHECKING:
    from ..lab.loading import LoadRun

__all__ = ["stages"]

_WORDS = {
    "late_ms": "sent late",
    "batch_ms": "waits in the batch",
    "wire_ms": "on the wire",
    "order_ms": "waits for its turn",
    "handler_ms": "in the handler",
    "answer_ms": "the answer's way",
}
WIDE_ENOUGH = 0.07
"""Of the axis: a piece this wide has its number written into it."""


def stages(*runs: LoadRun, ax: Axes | None = None) -> Axes:
    """The mean time of a command in each stage, one bar for each run: the pieces add up to the mean
    of the whole.

    Args:
        runs: what `lab.load` gave. Without warm-up and stalls.
    """
    if not runs or not all(hasattr(run, "stages") for run in runs):
        raise UsageError(
            "mb.plots.stages(...) needs one or more runs of `await lab.load(...)`: only they know "
            "the stages"
        )
    ax = ax or new_axes(8.0, 1.9 + 0.55 * len(runs))
    means = [run.stages["mean"] for run in runs]
    known = [stage for stage in _WORDS if any(stage in mean for mean in means)]
    longest = max(float(mean.drop(run.figure).sum()) for run, mean in zip(runs, means, strict=True))
    for row, mean in enumerate(means):
        left = 0.0
        for number, stage in enumerate(known):
            width = float(mean.get(stage, 0.0))
            options: dict[str, Any] = {
                "edgecolor": STYLES[number].color,
                "hatch": STYLES[number].hatch,
            }
            options |= {"facecolor": "white", "label": _WORDS[stage] if row == 0 else None}
            ax.barh(row, width, 0.62, left, linewidth=1.2, **options)
            if longest and width / longest >= WIDE_ENOUGH:
                box = {"facecolor": "white", "edgecolor": "none", "pad": 1.2}
                centred: dict[str, Any] = {"ha": "center", "va": "center", "bbox": box}
                ax.text(left + width / 2, row, f"{width:.3g}", fontsize=SMALL, **centred)
            left += width
        ax.text(left, row, f"  {ms(left)}", va="center", fontsize=SMALL, color=PALE)
    counted = [series_of(run) for run in runs]
    ax.set_yticks(
        range(len(runs)),
        [f"{run.name}\nn = {len(series.plain)}" for run, series in zip(runs, counted, strict=True)],
    )
    ax.invert_yaxis()
    ax.set_xlim(0, longest * 1.14 if longest else 1)
    counts = ", ".join(str(len(series.plain)) for series in counted)
    details = f"n = {counts}; without warm-up and stalls"
    if any("answer_ms" not in mean for mean in means):
        details += "; the server does not answer the lab: only the batch is known"
    bounds = [
        f"± {ms(run.clock_error * 1e3)}" if "clock_error_ms" in run.stages else "" for run in runs
    ]
    if any(bounds):
        errors = ", ".join(bound or "exact" for bound in bounds)
        details += f"; wire and answer {errors} (two clocks)"
    settings = list(dict.fromkeys(series.settings for series in counted))
    if len(settings) > 1:
        settings = [
            f"{run.name}: {series.settings}" for run, series in zip(runs, counted, strict=True)
        ]
    spoken = []
    for run, series, mean, bound in zip(runs, counted, means, bounds, strict=True):
        pieces = ", ".join(
            f"{_WORDS[stage]} {ms(float(mean[stage]))}" for stage in known if stage in mean
        )
        pieces += f"; on the wire and the answer's way {bound}" if bound else ""
        spoken.append(f"{run.name} (n = {len(series.plain)}): {pieces}")
    return finish(
        ax,
        "Where the time of a command goes",
        "\n".join([details, *settings[:4]]),
        f"Mean time of a command in each stage. {'; '.join(spoken)}.",
        x="mean time / ms",
        grid="x",
        legend=3,
        beside=beside(run.name for run in runs),
    )
