"""What is committed is clean: no outputs, plain pins, nothing of one machine, modules that fit in a
head, pages that are true."""

from __future__ import annotations

import ast
import json
import os
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import nbformat
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from mbot_nb import commands
from mbot_nb.protocol.settings import Settings

ROOT = Path(__file__).parent.parent
GENERATED = {"build", "dist", "__pycache__", "node_modules"}
KEPT_HIDDEN = {".ci", ".gitignore", ".github"}
MAX_LINES = 800


def _files() -> Iterator[Path]:
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [
            name
            for name in folders
            if name not in GENERATED and (not name.startswith(".") or name in KEPT_HIDDEN)
        ]
        for name in names:
            if not name.startswith(".") or name in KEPT_HIDDEN:
                yield Path(folder, name)


FILES = sorted(_files())
BINARY = {".png", ".gif", ".ico", ".parquet", ".pyc"}
TEXTS = [path for path in FILES if path.suffix not in BINARY]
MODULES = [path for path in FILES if path.suffix == ".py"]
NOTEBOOKS = [path for path in FILES if path.suffix == ".ipynb"]
PAGES = [path for path in FILES if path.suffix == ".md"]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))[
    "project"
]

PIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*==[0-9][A-Za-z0-9.]*")

# Whoever installs chooses where from. Written in parts, so that this file does not hold what it
# looks for.
REGISTRY = re.compile(
    "|".join(
        "".join(parts)
        for parts in (
            ("py", r"pi\.org"),
            ("python", r"hosted\.org"),
            ("npm", r"js\.(org|com)"),
            ("ana", r"conda\.org"),
            ("index", "-url"),
            ("find", "-links"),
            ("trusted", "-host"),
            ("PIP_", "INDEX"),
        )
    )
)
# A folder of somebody's machine, at the beginning of a path.
MACHINE_PATH = re.compile(r"""(?<![\w.~/:-])/(?:work|root|home|Users)/[\w.]|\b[A-Z]:\\Users\\""")


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _lines(path: Path) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        yield f"{_name(path)}:{number}", line


def test_the_right_files_are_looked_at() -> None:
    names = {_name(path) for path in FILES}
    assert {
        "pyproject.toml",
        ".ci/run",
        "README.md",
        "mbot_nb/errors.py",
        "notebooks/00_start_here.ipynb",
    } <= names
    assert not any(name.startswith((".venv", ".git/")) for name in names)


def test_notebooks_are_committed_without_outputs() -> None:
    assert NOTEBOOKS
    for path in NOTEBOOKS:
        nbformat.validate(nbformat.read(path, as_version=4))
        notebook = json.loads(path.read_text(encoding="utf-8"))
        assert notebook["metadata"]["kernelspec"]["name"] == "python3", _name(path)
        assert "widgets" not in notebook["metadata"], (
            f"{_name(path)}: saved widget state is an output, too"
        )
        for number, cell in enumerate(notebook["cells"]):
            place = f"{_name(path)}, cell {number}"
            assert not cell.get("outputs"), f"{place} has outputs: clear them before committing"
            assert cell.get("execution_count") is None, (
                f"{place} has an execution count: clear it before committing"
            )


def test_constraints_are_plain_pins() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    wrong = [line for line in lines if not PIN.fullmatch(line)]
    assert not wrong, f"only lines like name==1.2.3, nothing else: {wrong}"
    names = [canonicalize_name(line.partition("==")[0]) for line in lines]
    assert len(set(names)) == len(names), "a package stands twice"


def test_what_is_asked_for_is_pinned_and_the_pin_is_allowed() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = {
        canonicalize_name(name): version
        for name, _, version in (line.partition("==") for line in lines)
    }
    extras = PROJECT["optional-dependencies"].values()
    for requirement in map(
        Requirement, [*PROJECT["dependencies"], *(line for extra in extras for line in extra)]
    ):
        pin = pins.get(canonicalize_name(requirement.name))
        assert pin is not None, f"{requirement} is not in constraints.txt"
        assert requirement.specifier.contains(pin), (
            f"constraints.txt pins {requirement.name} {pin}, pyproject.toml wants {requirement}"
        )


def test_no_address_of_a_registry_and_no_path_of_a_machine() -> None:
    lines = [line for path in TEXTS for line in _lines(path)]
    addresses = [place for place, line in lines if REGISTRY.search(line)]
    assert not addresses, "name the package, not where it is downloaded from"
    paths = [place for place, line in lines if MACHINE_PATH.search(line)]
    assert not paths, "these paths exist on one machine only"


@pytest.mark.parametrize(
    "line",
    ["/home/" + "anna/x", "see (/root/" + ".cache)", "C:" + r"\Users\anna", '"/work/' + 'main"'],
)
def test_a_machine_s_path_is_recognised(line: str) -> None:
    assert MACHINE_PATH.search(line)


@pytest.mark.parametrize(
    "line", ["ws://host/home/x", "docs/work/notes", "/dev/ttyUSB0", "~/work/x", "/usr/bin/chromium"]
)
def test_other_paths_are_not(line: str) -> None:
    assert not MACHINE_PATH.search(line)


def test_modules_fit_in_a_head() -> None:
    texts = {path: path.read_text(encoding="utf-8") for path in MODULES}
    long = [_name(path) for path, text in texts.items() if len(text.splitlines()) > MAX_LINES]
    assert not long, f"over {MAX_LINES} lines: find the two subjects in them"
    silent = [
        _name(path)
        for path, text in texts.items()
        if path.is_relative_to(ROOT / "mbot_nb") and not ast.get_docstring(ast.parse(text))
    ]
    assert not silent, "a module of the package says what it is about"


def test_what_was_built_is_not_checked() -> None:
    """The tests of Binder keep a checkout in build/, whose biome.json is the root of another
    project."""
    settings = json.loads((ROOT / "biome.json").read_text(encoding="utf-8"))
    assert "!!build" in settings["files"]["includes"]


def test_types_are_shipped() -> None:
    assert (ROOT / "mbot_nb" / "py.typed").is_file()


def test_ci_runs_the_tests() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert "make test" in script.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", PAGES, ids=_name)
def test_links_between_pages_lead_somewhere(path: Path) -> None:
    for place, line in _lines(path):
        for target in re.findall(r"\]\(([^)\s]+)\)", line):
            if urlsplit(target).scheme:
                continue
            file, _, anchor = target.partition("#")
            page = (path.parent / file) if file else path
            assert page.exists(), f"{place}: there is no {file}"
            if anchor:
                assert anchor in _anchors(page), (
                    f"{place}: {page.name} has no heading for #{anchor}"
                )


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _table(text: str) -> list[list[str]]:
    rows = re.findall(r"^\| `(\w+)` \|(.*)\|$", text, re.MULTILINE)
    return [[name, *(cell.strip() for cell in cells.split("|"))] for name, cells in rows]


def test_the_protocol_s_page_lists_the_commands_there_are() -> None:
    page = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
    rows = _table(page[page.index("## 9. ") : page.index("## 10. ")])
    assert [row[0] for row in rows] == [*dict.fromkeys(row[0] for row in rows)]
    assert {row[0] for row in rows} == set(commands.ALL)
    # A drawing says what comes of it, not that it moves.
    assert {row[0] for row in rows if row[2] == "motion"} == commands.MOTIONS - {"start_drawing"}
    assert {row[0] for row in rows if row[2] == "urgent"} == commands.URGENT


def test_the_protocol_s_page_lists_the_settings_there_are() -> None:
    page = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
    listed = {
        row[0]: ast.literal_eval(row[1].strip("`")) for row in _table(page[page.index("## 12. ") :])
    }
    settings = Settings()
    assert listed == {name: getattr(settings, name) for name in Settings.__struct_fields__}
