"""What is printed of a run: a table of its figures, how each was measured, and what failed."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from .figures import Failure, Figure

__all__ = ["number", "print_table"]


def print_table(figures: Sequence[Figure | Failure], console: Console) -> None:
    """Print one line a figure, then how each was measured or why it failed."""
    table = Table(title="mbot_nb side by side")
    table.add_column("figure", no_wrap=True)
    for heading in ("ours", "theirs"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("unit", no_wrap=True)
    table.add_column("ratio (rounds)", justify="right", no_wrap=True)
    table.add_column("goal", no_wrap=True)
    table.add_column("met")
    for figure in figures:
        if isinstance(figure, Failure):
            table.add_row(figure.name, "failed")
            continue
        ratio = ""
        if figure.ratio is not None and figure.ratio_spread is not None:
            low, high = figure.ratio_spread
            ratio = f"{figure.ratio:.2f} ({low:.2f} to {high:.2f})"
        table.add_row(
            figure.name,
            number(figure.ours),
            "" if figure.theirs is None else number(figure.theirs),
            figure.unit,
            ratio,
            figure.goal or "",
            {True: "yes", False: "NO", None: ""}[figure.met],
        )
    console.print(table)
    for figure in figures:
        words = f"failed: {figure.failed}" if isinstance(figure, Failure) else figure.how
        console.print(f"{figure.name}: {words}", highlight=False, markup=False)


def number(value: float) -> str:
    """A value as a table shows it: three digits, or all before the point."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
