"""The maps are true: design.md, CONTRIBUTING.md and the packages' docstrings list what is there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.test_layers import FLOORS

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "mbot_nb"
PACKAGES = sorted(path.parent for path in PACKAGE.rglob("__init__.py"))
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
DESIGN = (ROOT / "docs" / "design.md").read_text(encoding="utf-8")


def _rooms(folder: Path) -> set[str]:
    """The modules and the folders in a package, folders with a slash."""
    modules = {path.stem for path in folder.glob("*.py")} - {"__init__"}
    folders = {
        f"{path.name}/"
        for path in folder.iterdir()
        if path.is_dir() and path.name != "__pycache__" and any(path.iterdir())
    }
    return modules | folders


def _name(folder: Path) -> str:
    return str(folder.relative_to(ROOT))


@pytest.mark.parametrize("folder", PACKAGES[1:], ids=_name)
def test_a_package_s_docstring_lists_what_is_in_it(folder: Path) -> None:
    tree = ast.parse((folder / "__init__.py").read_text(encoding="utf-8"))
    docstring = ast.get_docstring(tree, clean=False) or ""
    listed = re.findall(r"^ {0,4}([a-z0-9_]+/?)  +\S", docstring, re.MULTILINE)
    assert len(listed) == len(set(listed)), "a name stands twice"
    assert set(listed) == _rooms(folder)


def _rows(units: set[str]) -> set[str]:
    """The units of a floor as the maps write them: packages with a slash."""
    return {f"{unit}/" if (PACKAGE / unit).is_dir() else unit for unit in units}


def test_the_map_in_contributing_has_the_rows_of_the_floors() -> None:
    start = CONTRIBUTING.index("## A map of the house")
    table = CONTRIBUTING[start : CONTRIBUTING.index("\n## ", start + 1)]
    found: dict[str, set[str]] = {}
    layer = ""
    for line in [line for line in table.splitlines() if line.startswith("|")][2:]:
        cells = [cell.strip() for cell in line.split("|")]
        layer = cells[1] or layer
        named = re.findall(r"`([\w/]+)`", cells[2])
        assert not found.get(layer, set()) & set(named), f"{layer} names one twice"
        found.setdefault(layer, set()).update(named)
    floors = {layer: _rows(units) for layer, units in FLOORS.items()}
    floors["front door"].add("__init__")
    assert list(found.items()) == list(floors.items())


def test_the_layers_in_design_have_the_rows_of_the_floors() -> None:
    start = DESIGN.index("## Layers")
    drawing = DESIGN[start : DESIGN.index("Imports point down", start)]
    found: dict[str, set[str]] = {}
    named: list[str] = []
    for line in drawing.splitlines():
        if line[:4] != "    ":
            continue
        units, _, label = line[4:].partition(" " * 4)
        named += units.split()
        if label:
            found[label.strip().partition(":")[0]] = set(named)
            named = []
    floors = {layer: _rows(units) for layer, units in FLOORS.items() if layer != "front door"}
    assert list(found.items()) == list(floors.items())


def test_every_room_has_a_floor() -> None:
    assert set().union(*map(_rows, FLOORS.values())) == _rooms(PACKAGE)


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "docs/design.md"])
def test_paths_named_in_the_pages_exist(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    paths = re.findall(r"`((?:[\w.]+/)+(?:[\w.]+\.(?:py|js|css|md|toml|txt|json))?)`", text)
    assert len(paths) > 10
    missing = [
        path
        for path in paths
        if not (ROOT / path).exists()
        and not (PACKAGE / path).exists()
        and not path.startswith("build/")
    ]
    assert not missing
