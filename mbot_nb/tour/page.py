"""An executed notebook as one page that needs nothing else: no network, no scripts, no files beside it."""

from __future__ import annotations

from copy import deepcopy
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UsageError
from ..version import __version__

if TYPE_CHECKING:
    from nbformat import NotebookNode

__all__ = ["html_page", "page", "write_page"]

WIDGET = "application/vnd.jupyter.widget-view+json"


def page(notebook: NotebookNode, footer: str = "") -> str:
    """The page as HTML."""
    from nbconvert.exporters import HTMLExporter
    from pygments.formatters import HtmlFormatter  # type: ignore[import-untyped]

    exporter = HTMLExporter(  # type: ignore[no-untyped-call]
        template_name="basic", exclude_input_prompt=True, exclude_output_prompt=True, exclude_anchor_links=True
    )
    body, _ = exporter.from_notebook_node(_still(notebook))
    colours = HtmlFormatter(style="xcode").get_style_defs(".highlight")
    return html_page(_title(notebook), body, style=colours, footer=footer)


def html_page(title: str, body: str, *, style: str = "", footer: str = "") -> str:
    """One page in this package's style, and ``style`` beside it."""
    return _PAGE.format(
        title=escape(title), style=f"{STYLE}{style}", body=body, footer=escape(f"{footer} mbot_nb {__version__}.".strip())
    )


def _still(notebook: NotebookNode) -> NotebookNode:
    """A copy without live widgets: what they show on paper, a picture or a text, stands beside them."""
    notebook = deepcopy(notebook)
    notebook.metadata.pop("widgets", None)
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            output.get("data", {}).pop(WIDGET, None)
    return notebook


def write_page(notebook: NotebookNode, path: Path, footer: str = "") -> None:
    """Write it, making the folder if need be.

    Raises:
        UsageError: it cannot be written there.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page(notebook, footer), encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"the page cannot be written to {path} ({error.strerror}): name another place with --html PATH"
        ) from None


def _title(notebook: NotebookNode) -> str:
    for cell in notebook.cells:
        for line in cell.source.splitlines():
            if cell.cell_type == "markdown" and line.startswith("# "):
                return f"{line[2:].strip()} - mbot_nb"
    return "mbot_nb"


_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
{style}
</style>
</head>
<body>
<main>
{body}
</main>
<footer>{footer}</footer>
</body>
</html>
"""

STYLE = """
:root { color-scheme: light; }
body { margin: 0; background: #fff; color: #202124; font: 16px/1.55 system-ui, "Segoe UI", "Liberation Sans", Arial, sans-serif; }
main, footer { max-width: 54rem; margin: 0 auto; padding: 0 1.25rem; }
main { padding-top: 1.5rem; }
footer { color: #5f6368; font-size: .85rem; margin-top: 2.5rem; padding-bottom: 2rem; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: .5rem 0 1rem; }
h2 { font-size: 1.3rem; line-height: 1.25; margin: 2.4rem 0 .6rem; }
p { margin: .6rem 0; }
a { color: #1f4e79; }
a.anchor-link { display: none; }
code, pre { font: .86rem/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace; }
p code, li code, td code { background: #f1f3f4; border-radius: 3px; padding: .1em .3em; }
.highlight { background: #f6f8fa !important; border-left: 3px solid #1f4e79; border-radius: 3px; margin: .9rem 0 .4rem; }
.highlight pre { margin: 0; padding: .6rem .8rem; overflow-x: auto; line-height: 1.5; }
.output_wrapper { margin: 0 0 .9rem .95rem; }
.output_subarea { overflow-x: auto; }
.output_subarea pre { margin: .3rem 0; white-space: pre-wrap; }
.output_stream pre { margin: 0; }
.output_stderr pre { color: #8a4b00; }
.output_error pre { background: #fdf0ef; border-left: 3px solid #b3261e; padding: .6rem .8rem; }
.output_png img { max-width: 100%; height: auto; display: block; margin: .4rem 0; }
table { border-collapse: collapse; font-size: .85rem; margin: .4rem 0; }
caption { padding: .2rem .6rem .4rem 0; white-space: nowrap; }
th, td { padding: .22rem .6rem; text-align: right; white-space: nowrap; border: 0; border-bottom: 1px solid #e8eaed; }
td { max-width: 40rem; overflow: hidden; text-overflow: ellipsis; font-variant-numeric: tabular-nums; }
.ansi-red-fg, .ansi-red-intense-fg { color: #b3261e; }
.ansi-green-fg, .ansi-green-intense-fg { color: #1e6b34; }
.ansi-yellow-fg, .ansi-yellow-intense-fg { color: #8a4b00; }
.ansi-blue-fg, .ansi-blue-intense-fg, .ansi-cyan-fg { color: #1f4e79; }
.ansi-bold { font-weight: bold; }
@media print { .highlight, .output_png { break-inside: avoid; } }
"""
