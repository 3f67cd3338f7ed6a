"""The scripts and the style of a widget's page, each as one text.

The texts, not the paths: anywidget watches a file for its developer, and so holds every widget for
ever.
"""

from __future__ import annotations

from pathlib import Path

__all__ = ["page_style", "page_text"]

_STATIC = Path(__file__).parent.parent / "static"


def page_text(*names: str) -> str:
    """One module of JavaScript: what is shared, then the files named. There is no bundler, so they
    share their names, too."""
    return "\n".join((_STATIC / name).read_text(encoding="utf-8") for name in ("live.js", *names))


def page_style(*names: str) -> str:
    """One style sheet: what is shared, then the files named."""
    return "\n".join((_STATIC / name).read_text(encoding="utf-8") for name in ("live.css", *names))
