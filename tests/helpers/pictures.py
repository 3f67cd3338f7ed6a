"""What stands in a picture, as text and numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes


def texts(ax: Axes) -> str:
    return " ".join([ax.get_title(loc="left"), *(text.get_text() for text in ax.texts)])


def labels(ax: Axes) -> list[str]:
    return list(ax.get_legend_handles_labels()[1])


def ys(line: Any) -> Any:
    return np.asarray(line.get_ydata(), dtype=np.float64)


def xs(line: Any) -> Any:
    return np.asarray(line.get_xdata(), dtype=np.float64)


def line_of(ax: Axes, label: str) -> Any:
    (line,) = (line for line in ax.lines if str(line.get_label()).startswith(label))
    return line


def small_print(ax: Axes) -> str:
    """However it is broken into lines."""
    return " ".join(" ".join(text.get_text() for text in ax.texts).split())
