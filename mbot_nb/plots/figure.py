"""Figures that belong to nobody's pyplot and that a notebook shows by themselves."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

__all__ = ["INK", "MARK", "PALE", "SHADE", "ShownAxes", "count", "describe", "headline", "legend_below", "new_axes"]

INK = "#1f4e79"
"""What was measured."""
MARK = "#b3261e"
"""What went wrong."""
PALE = "#5f6368"
SHADE = "#e3e6ea"

_DOTS_PER_INCH = 160
_SHOWN_AT = 96
"""Pixels per inch on the page; the picture has more, for sharp screens."""


class ShownAxes(Axes):
    """Axes that a notebook shows as a picture of their whole figure when a cell ends with them."""

    description = ""
    """What the picture shows, for those who cannot see it."""

    def __repr__(self) -> str:
        return f"<{self.description}>" if self.description else super().__repr__()

    def _repr_png_(self) -> tuple[bytes, dict[str, Any]]:
        figure = self.get_figure(root=True)
        assert figure is not None
        file = BytesIO()
        figure.savefig(file, format="png", dpi=_DOTS_PER_INCH)
        width, height = figure.get_size_inches() * _SHOWN_AT
        return file.getvalue(), {"width": round(width), "height": round(height), "alt": self.description}


def new_axes(width: float, height: float) -> ShownAxes:
    """Axes of a new figure of this size in inches, which is known to nobody else."""
    figure = Figure(figsize=(width, height), layout=ConstrainedLayoutEngine(w_pad=0.08, h_pad=0.1))
    axes = figure.add_subplot(axes_class=ShownAxes)
    assert isinstance(axes, ShownAxes)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(colors=PALE)
    return axes


def legend_below(ax: Axes, columns: int) -> None:
    """A legend under the picture; among other people's Axes, inside."""
    handles, labels = ax.get_legend_handles_labels()
    if not handles:
        return
    if isinstance(ax, ShownAxes) and isinstance(ax.figure, Figure):
        ax.figure.legend(handles, labels, loc="outside lower left", ncols=columns, frameon=False, fontsize=9, handletextpad=0.5)
    else:
        ax.legend(handles, labels, fontsize="small", framealpha=0.8)


def count(number: int, one: str, several: str) -> str:
    """As `1 frame`, `3 frames`."""
    return f"{number} {one if number == 1 else several}"


def describe(ax: Axes, description: str) -> None:
    """Say in words what the picture shows."""
    if isinstance(ax, ShownAxes):
        ax.description = description


def headline(ax: Axes, title: str, details: str) -> None:
    """A title on the left, and what it is based on (n, settings) below it in small print."""
    ax.set_title(f"{title}\n", loc="left", fontsize=11, fontweight="bold")
    ax.text(0, 1.015, details, transform=ax.transAxes, fontsize=9, color=PALE, va="bottom")
