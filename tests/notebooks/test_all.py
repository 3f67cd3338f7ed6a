"""What holds for every notebook: names that stay, one clock, and an end that leaves nothing
running."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))


def _cells(path: Path) -> list[dict[str, Any]]:
    cells: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return cells


def test_there_are_some() -> None:
    assert len(NOTEBOOKS) >= 4


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_cells_have_names_in_words(path: Path) -> None:
    """So that they stay the same when a cell changes."""
    ids = [cell["id"] for cell in _cells(path)]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[a-z-]+", name) for name in ids), ids


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_begins_with_a_title(path: Path) -> None:
    assert "".join(_cells(path)[0]["source"]).startswith("# ")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_links_lead_somewhere(path: Path) -> None:
    text = "".join(
        "".join(cell["source"]) for cell in _cells(path) if cell["cell_type"] == "markdown"
    )
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        if "://" not in target:
            assert (FOLDER / target).exists(), f"{path.name} links to {target}"
