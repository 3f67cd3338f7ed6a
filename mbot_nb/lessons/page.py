"""An executed notebook as one page without network, scripts or other files."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UsageError
from ..html_page import html_page

if TYPE_CHECKING:
    from nbformat import NotebookNode

__all__ = ["page", "write_page"]

WIDGET = "application/vnd.jupyter.widget-view+json"


def page(notebook: NotebookNode, footer: str = "") -> str:
    """The page as HTML."""
    from nbconvert.exporters import HTMLExporter
    from pygments.formatters import HtmlFormatter  # type: ignore[import-untyped]

    exporter = HTMLExporter(  # type: ignore[no-untyped-call]
        template_name="basic",
        exclude_input_prompt=True,
        exclude_output_prompt=True,
        exclude_anchor_links=True,
    )
    body, _ = exporter.from_notebook_node(_without_widgets(notebook))
    css = HtmlFormatter(style="xcode").get_style_defs(".highlight")
    return html_page(_title(notebook), body, style=css, footer=footer)


def _without_widgets(notebook: NotebookNode) -> NotebookNode:
    """A copy without live widgets, which leaves their pictures and texts."""
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
            f"the page cannot be written to {path} ({error.strerror}): name another place with "
            "--html PATH"
        ) from None


def _title(notebook: NotebookNode) -> str:
    for cell in notebook.cells:
        for line in cell.source.splitlines():
            if cell.cell_type == "markdown" and line.startswith("# "):
                return f"{line[2:].strip()} - mbot_nb"
    return "mbot_nb"
