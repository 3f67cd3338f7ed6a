"""Figures that belong to nobody's pyplot and that a notebook shows by themselves."""

from __future__ import annotations

from collections.abc import Iterable
from io import BytesIO
from textwrap import wrap
from typing import Any, Literal, NamedTuple

from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import FuncFormatter, LogLocator

__all__ = [
    "INK",
    "MARK",
    "PALE",
    "SHADE",
    "STYLES",
    "ShownAxes",
    "Style",
    "beside",
    "count",
    "finish",
    "logarithmic",
    "ms",
    "new_axes",
    "note",
    "style",
]

INK = "#1f4e79"
"""What was measured."""
MARK = "#b3261e"
"""What went wrong."""
PALE = "#5f6368"
SHADE = "#e3e6ea"


class Style(NamedTuple):
    """How one of several is drawn: each can be told from the others by colour, by marker, by line
    and by hatching."""

    color: str
    marker: str
    line: Any
    hatch: str

    @property
    def pen(self) -> dict[str, Any]:
        """Arguments for a line."""
        return {"color": self.color, "linestyle": self.line}

    @property
    def marks(self) -> dict[str, Any]:
        """Arguments for points that no line joins."""
        return {"color": self.color, "marker": self.marker, "linestyle": "None"}

    @property
    def marked_line(self) -> dict[str, Any]:
        """Arguments for a line with points on it."""
        return {**self.pen, "marker": self.marker}


STYLES = (
    Style("#1f4e79", "o", "-", "////"),
    Style("#c46a00", "s", "--", "...."),
    Style("#2f7d4f", "^", "-.", "xxxx"),
    Style("#7a3e9d", "D", ":", "||||"),
    Style("#a0153e", "v", (0, (8, 2)), "----"),
    Style("#3f4448", "P", (0, (1, 1)), "++++"),
    Style("#0f8a8a", "X", (0, (5, 1, 1, 1, 1, 1)), "oooo"),
    Style("#8c6d1f", "*", (0, (3, 4)), "****"),
)

_DOTS_PER_INCH = 160
SMALL = 9
"""Points: the size of the small print."""
LINE = 1.3
"""The height of a line of it, of its size."""
LETTER_WIDTH = 0.52
"""The mean width of a letter of it, of its size."""
MARGIN = 0.9
"""Inches that labels take beside our own Axes."""
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
        width, height = (round(inches * _SHOWN_AT) for inches in figure.get_size_inches())
        return file.getvalue(), {"width": width, "height": height, "alt": self.description}


def new_axes(width: float, height: float) -> ShownAxes:
    """Axes of a new figure of this size in inches, which is known to nobody else."""
    figure = Figure(figsize=(width, height), layout=ConstrainedLayoutEngine(w_pad=0.08, h_pad=0.1))
    axes = figure.add_subplot(axes_class=ShownAxes)
    assert isinstance(axes, ShownAxes)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(colors=PALE)
    return axes


def finish(
    ax: Axes,
    title: str,
    details: str,
    spoken: str,
    *,
    x: str = "",
    y: str = "",
    grid: Literal["x", "y", "both"] | None = "y",
    legend: int = 0,
    beside: float = MARGIN,
) -> Axes:
    """Give a picture what every picture has; returns the Axes.

    Args:
        title, details: the headline, and what it is based on (n, settings), in one line or more.
        spoken: what the picture shows, for those who cannot see it.
        x, y: what stands along the axes.
        legend: columns of the legend; 0 for none.
        beside: inches that labels take beside our own Axes.
    """
    ax.set_xlabel(x)
    ax.set_ylabel(y)
    if grid is not None:
        ax.grid(axis=grid, color=SHADE, linewidth=0.8)
        ax.set_axisbelow(True)
    _headline(ax, title, details, beside)
    if legend:
        _legend_below(ax, legend)
    if isinstance(ax, ShownAxes):
        ax.description = spoken.replace("\n", "; ")
    return ax


def _headline(ax: Axes, title: str, details: str, beside: float) -> None:
    """A title on the left, and the details below it in small print."""
    figure = ax.get_figure(root=True)
    # By the width of the Axes as they stand; of our own, which fill their figure, by that of the
    # figure.
    inches = 0.0 if figure is None else figure.get_figwidth()
    inches = inches - beside if isinstance(ax, ShownAxes) else inches * ax.get_position().width
    room = max(30, int(inches * 72 / (SMALL * LETTER_WIDTH)))
    lines = [part for line in details.split("\n") for part in wrap(line, room) or [""]]
    pad = 8 + LINE * SMALL * len(lines)
    ax.set_title(title, loc="left", fontsize=11, fontweight="bold", pad=pad)
    style: dict[str, Any] = {"fontsize": SMALL, "color": PALE, "va": "bottom"}
    small = ax.text(0, 1.015, "\n".join(lines), transform=ax.transAxes, **style)
    # The title keeps its place; a long line must not make the Axes narrower.
    small.set_in_layout(False)


def _legend_below(ax: Axes, columns: int) -> None:
    """A legend under the picture; among other people's Axes, inside."""
    handles, labels = ax.get_legend_handles_labels()
    if handles and isinstance(ax, ShownAxes) and isinstance(ax.figure, Figure):
        style: dict[str, Any] = {"frameon": False, "fontsize": SMALL, "handletextpad": 0.5}
        ax.figure.legend(handles, labels, loc="outside lower left", ncols=columns, **style)
    elif handles:
        ax.legend(handles, labels, fontsize="small", framealpha=0.8)


def note(
    ax: Axes, text: str, at: tuple[float, float], offset: tuple[float, float], **style: Any
) -> None:
    """Small print beside a place, ``offset`` points away from it."""
    ax.annotate(text, at, offset, textcoords="offset points", fontsize=SMALL, **style)


def count(number: int, one: str, several: str) -> str:
    """As `1 frame`, `3 frames`."""
    return f"{number} {one if number == 1 else several}"


def beside(names: Iterable[str]) -> float:
    """Inches that these names take beside our own Axes, as the labels of rows."""
    return MARGIN + 0.075 * max((len(name) for name in names), default=0)


def style(number: int) -> Style:
    """The style of the ``number``-th of several."""
    turn, place = divmod(number, len(STYLES))
    # The second round has the same colours and markers, with another line.
    return STYLES[place]._replace(line=STYLES[(place + turn) % len(STYLES)].line)


def logarithmic(axis: Axis, low: float, high: float) -> None:
    """Plain numbers on a logarithmic axis that shows from ``low`` to ``high``: 1, 2, 5, 10, or 1,
    10, 100."""
    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if high < 300 * low else (1.0,)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_locator(LogLocator(subs=()))


def ms(value: float) -> str:
    """Milliseconds in three digits, as `0.41 ms`."""
    return f"{value:.3g} ms" if value < 1000 else f"{value:.0f} ms"
