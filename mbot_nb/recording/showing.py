"""How recorders and recordings show themselves in a notebook."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

__all__ = ["overview"]


def overview(title: str, words: str, rows: Sequence[tuple[str, int, str, str]], variable: str) -> str:
    """A small table of the tables: name, rows, what one row is, what else is to be said of it."""
    left = "style='text-align:left'"
    body = "".join(
        f"<tr><td {left}><code>{variable}.{name}</code></td><td>{count}</td><td {left}>{escape(subject)}"
        f"{f' ({escape(more)})' if more else ''}</td></tr>"
        for name, count, subject, more in rows
    )
    caption = f"<caption {left}><b>{title}</b>, {escape(words)}</caption>"
    return f"<table>{caption}<tr><th {left}>table</th><th>rows</th><th {left}>one row for each</th></tr>{body}</table>"
