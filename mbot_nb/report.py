"""A recording as one page that needs nothing else: no network, no scripts, no files beside it."""

from __future__ import annotations

import base64
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import UsageError
from .html_page import html_page
from .recording.summary import summarise
from .recording.tables.schema import SCHEMA, SUBJECTS

if TYPE_CHECKING:
    import pandas as pd

    from .recording.tables.run_tables import RunTables

__all__ = ["html_report"]

ROWS_SHOWN = 50
"""Rows of a table that stand on the page: the first ones."""
MAX_TEXT = 120
"""Characters of a text that stand in a table's cell."""


def html_report(run: RunTables, path: str | Path | None = None) -> str:
    """The run as one HTML page: summary, pictures, metadata and the beginning of each table.

    Args:
        run: a recorder or a recording that has every row of the run.
        path: where the page is written as well; its name is the title.

    Raises:
        UsageError: it cannot be written there.
    """
    text = _page(run, "A run" if path is None else Path(path).stem)
    if path is not None:
        try:
            Path(path).write_text(text, encoding="utf-8")
        except OSError as error:
            raise UsageError(
                f"{path} cannot be written ({error.strerror}): choose another place"
            ) from None
    return text


def _page(run: RunTables, title: str) -> str:
    summary = summarise(run)
    parts = [f"<h1>{escape(title)}</h1>", summary._repr_mimebundle_()["text/html"]]
    if summary.cut is not None:
        parts.append(f"<p><strong>Not complete:</strong> {escape(summary.cut)}.</p>")
    parts += ["<h2>Pictures</h2>", *_pictures(run), "<h2>Metadata</h2>", _facts(run.metadata)]
    for name in SCHEMA:
        parts += _table(name, run.table(name))
    return html_page(title, "\n".join(parts), style=_STYLE)


def _pictures(run: RunTables) -> list[str]:
    from . import plots

    drawn: list[str] = []
    client = run.metadata.get("side") != "server"
    trips = run.total("latency") > 0
    draw: list[tuple[bool, Callable[[Any], Any]]] = [
        (trips, plots.latency),
        (trips, plots.ecdf),
        (trips, plots.percentiles),
        (client and bool((run.connection.state == "reconnecting").any()), plots.reconnects),
        (client and bool((run.batches.direction == "out").any()), plots.batches),
        (bool((run.events["name"] == "telemetry").any()), plots.path),
    ]
    for applies, plot in draw:
        if applies:
            png, size = plot(run)._repr_png_()
            source = base64.b64encode(png).decode()
            drawn.append(
                f'<p class="output_png"><img src="data:image/png;base64,{source}" '
                f'width="{size["width"]}" alt="{escape(size["alt"], quote=True)}"></p>'
            )
    return drawn or [
        "<p>There is nothing to draw: no round trips, no frames of commands, no telemetry.</p>"
    ]


def _facts(metadata: dict[str, Any]) -> str:
    rows = "".join(
        f"<tr><th>{escape(name)}</th><td>{escape(text)}</td></tr>"
        for name, text in _flat("", metadata)
    )
    return f'<table class="facts">{rows}</table>'


def _flat(prefix: str, value: Any) -> list[tuple[str, str]]:
    if isinstance(value, dict) and value:
        return [
            pair
            for key, item in value.items()
            for pair in _flat(f"{prefix}.{key}" if prefix else key, item)
        ]
    if isinstance(value, list) and any(isinstance(item, dict) for item in value):
        return [
            pair for number, item in enumerate(value) for pair in _flat(f"{prefix}[{number}]", item)
        ]
    return [(prefix, "none" if value is None else str(value))]


def _table(name: str, frame: pd.DataFrame) -> list[str]:
    count = len(frame)
    first = f", the first {ROWS_SHOWN} of them below" if count > ROWS_SHOWN else ""
    head = f"<h2>{name}</h2><p>{count:,} rows{first}; one for each {escape(SUBJECTS[name])}.</p>"
    if not count:
        return [head]
    heads = "".join(
        f'<th title="{escape(column.meaning, quote=True)}">{column.name}</th>'
        for column in SCHEMA[name]
    )
    body = "".join(
        f"<tr>{''.join(f'<td>{_cell(value)}</td>' for value in row)}</tr>"
        for row in frame.head(ROWS_SHOWN).itertuples(index=False)
    )
    return [
        head,
        f'<div class="output_subarea"><table><thead><tr>{heads}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>",
    ]


def _cell(value: Any) -> str:
    import pandas as pd

    if pd.isna(value):
        return ""
    if isinstance(value, float):
        return f"{value:.6g}" if abs(value) < 1000 else f"{value:.3f}"
    if isinstance(value, pd.Timestamp):
        return f"{value:%H:%M:%S.%f}"
    text = str(value)
    return escape(text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}...")


_STYLE = """
table.facts th { text-align: left; font-weight: normal; color: #5f6368; }
table.facts td { text-align: left; white-space: normal; overflow-wrap: anywhere; }
main { max-width: 72rem; }
"""
