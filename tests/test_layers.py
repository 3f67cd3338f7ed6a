"""Imports point down the floors of the house, and the protocol is pure."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = "mbot_nb"

# From the top down. A module may import what stands on its own floor or below. tests/test_maps.py
# compares the maps of docs/design.md and CONTRIBUTING.md with these rows.
FLOORS = {
    "front door": {"__main__"},
    "what a person touches": {"widgets", "cli", "diagnostics", "demonstration"},
    "what shows": {"report", "plots", "lessons"},
    "what measures": {"lab"},
    "what remembers": {"recording", "datasets"},
    "what puts the parts together": {"embedded", "sync"},
    "what moves": {"robots"},
    "what talks": {"client", "server"},
    "what carries": {"transport"},
    "what is said": {"protocol"},
    "shared tools": {"loops", "jupyter", "local"},
    "shared words": {
        "commands",
        "command_methods",
        "robot",
        "state",
        "address",
        "html_page",
    },
    "how it fails": {"errors", "version"},
}
FLOOR = {
    unit: len(FLOORS) - number for number, units in enumerate(FLOORS.values()) for unit in units
}

# The one import that points up, and why.
UPWARD = {
    ("mbot_nb.recording.base", "mbot_nb.report"): "`to_html` is a method of recorders as well"
}

# The public names are loaded from every floor when they are first used. Nothing else may load by
# name.
FACADES = {"mbot_nb", "mbot_nb.robots"}

# More than the floors say: robots never see a message, and widgets call commands and read state.
NEVER = {
    "robots": {"client", "server", "sync", "transport", "protocol", "loops"},
    "widgets": {"transport", "protocol"},
}

# Inside robots: what both the simulated and the real ones need stands in behaviour or beside it.
# Only an emulator, a simulated robot behind a serial port, knows both.
ROBOTS_APART = {
    "behaviour": {"simulator", "serial", "emulators"},
    "simulator": {"serial", "emulators"},
    "serial": {"simulator", "emulators"},
}

# Bases with one heir in the package, and why.
WITH_ONE_HEIR = {
    "Call": "OpeningCall is a call that can stand after `async with` as well, which no other can",
    "RunTables": "a Protocol for those who show a run; Recorded takes its tables as they stand",
}

IMPURE = {
    "asyncio",
    "concurrent",
    "datetime",
    "multiprocessing",
    "os",
    "pathlib",
    "queue",
    "random",
    "secrets",
    "select",
    "selectors",
    "signal",
    "socket",
    "ssl",
    "subprocess",
    "tempfile",
    "threading",
    "time",
    "uuid",
    "websockets",
}


class Import(NamedTuple):
    target: str
    line: int
    for_types_only: bool


def _modules() -> dict[str, Path]:
    modules = {}
    for path in sorted((ROOT / PACKAGE).rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        modules[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return modules


MODULES = _modules()
OUR_PROTOCOL = [module for module in MODULES if f"{module}.".startswith(f"{PACKAGE}.protocol.")]


@cache
def _tree(module: str) -> ast.Module:
    return ast.parse(MODULES[module].read_text(encoding="utf-8"))


@cache
def _imports(module: str) -> tuple[Import, ...]:
    """All imports, wherever they stand; what is ours by the name of its module."""
    typed = {
        inner
        for node in ast.walk(_tree(module))
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")
        for statement in node.body
        for inner in ast.walk(statement)
    }
    found = []
    for node in ast.walk(_tree(module)):
        if isinstance(node, ast.Import):
            targets = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(module, node)
            # `from . import commands` names a module, `from .commands import Drive` something in
            # one.
            targets = [
                inner if (inner := f"{base}.{alias.name}") in MODULES else base
                for alias in node.names
            ]
        else:
            continue
        found += [Import(target, node.lineno, node in typed) for target in targets]
    return tuple(found)


def _absolute(module: str, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    is_package = MODULES[module].name == "__init__.py"
    parts = module.split(".")
    base = parts[: len(parts) - node.level + is_package]
    return ".".join([*base, node.module] if node.module else base)


def _unit(module: str) -> str:
    """What has a floor: the module or package right inside mbot_nb."""
    return module.split(".")[1] if "." in module else "__init__"


def _place(module: str, found: Import) -> str:
    return f"{MODULES[module].relative_to(ROOT)}:{found.line}"


def _inner(module: str) -> Iterator[Import]:
    return (found for found in _imports(module) if found.target.split(".")[0] == PACKAGE)


def test_every_module_has_a_floor() -> None:
    homeless = {_unit(module) for module in MODULES} - set(FLOOR) - {"__init__"}
    assert not homeless, (
        f"say in FLOORS on which floor of the house these stand: {sorted(homeless)}"
    )


def test_imports_point_down() -> None:
    wrong = []
    for module in MODULES:
        if module == PACKAGE:
            continue
        unit = _unit(module)
        for found in _inner(module):
            target = _unit(found.target)
            if target == "__init__":
                wrong.append(f"{_place(module, found)}: import the module that has it")
            elif FLOOR[target] > FLOOR[unit] and (module, found.target) not in UPWARD:
                wrong.append(f"{_place(module, found)}: {target} stands above {unit}")
            elif target in NEVER.get(unit, ()):
                wrong.append(f"{_place(module, found)}: {unit} may not know {target}")
    assert not wrong


def test_what_points_up_is_still_there() -> None:
    for module, target in UPWARD:
        assert any(found.target == target for found in _inner(module)), f"take {module} away"


@pytest.mark.parametrize("package", ROBOTS_APART)
def test_robots_share_behaviour_only(package: str) -> None:
    modules = [name for name in MODULES if f"{name}.".startswith(f"{PACKAGE}.robots.{package}.")]
    assert modules, f"there is no robots.{package}: change ROBOTS_APART"
    for module in modules:
        for found in _inner(module):
            parts = found.target.split(".")
            if parts[1] == "robots" and len(parts) > 2:
                assert parts[2] not in ROBOTS_APART[package], (
                    f"{_place(module, found)}: robots.{package} may not import robots.{parts[2]}; "
                    "move what both need to robots/behaviour"
                )


def test_nothing_imports_in_a_circle() -> None:
    """Imports for types count: they say what a reader has to know first."""
    graph = {
        module: {found.target for found in _inner(module) if found.target != module} - FACADES
        for module in MODULES
        if module not in FACADES
    }
    # A module in a package needs the package's __init__ only to be found.
    for module, targets in graph.items():
        graph[module] = {target for target in targets if not module.startswith(f"{target}.")}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"these import each other: {' -> '.join(error.args[1])}")


def test_no_class_is_cut_into_bases_with_one_heir() -> None:
    """A class that is too long is composed of named parts; a base has two heirs, or none."""
    heirs: dict[str, set[str]] = {}
    ours: set[str] = set()
    for module in MODULES:
        for node in ast.walk(_tree(module)):
            if isinstance(node, ast.ClassDef):
                ours.add(node.name)
                for base in node.bases:
                    name = ast.unparse(base).partition("[")[0].rpartition(".")[2]
                    heirs.setdefault(name, set()).add(f"{module}.{node.name}")
    errors = {
        node.name for node in _tree(f"{PACKAGE}.errors").body if isinstance(node, ast.ClassDef)
    }
    single = {base: one for base, one in heirs.items() if base in ours - errors and len(one) == 1}
    assert set(single) == set(WITH_ONE_HEIR), single


def test_a_folder_fits_on_a_page() -> None:
    folders = {path.parent for path in MODULES.values()}
    for folder in folders:
        count = sum(1 for path in folder.iterdir() if path.suffix == ".py")
        assert count <= 14, (
            f"{folder.relative_to(ROOT)} has {count} modules: which rooms are in it?"
        )


def test_only_the_facade_loads_by_name() -> None:
    loads = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for module, path in MODULES.items()
        if module not in FACADES
        for node in ast.walk(_tree(module))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func).rpartition(".")[2] in ("import_module", "__import__")
    ]
    assert not loads, "write import statements"


@pytest.mark.parametrize("module", OUR_PROTOCOL)
def test_the_protocol_is_pure(module: str) -> None:
    """Neither it nor what it imports of ours knows of loops, threads, sockets, clocks, chance or
    files."""
    seen: set[str] = set()
    waiting = [module]
    while waiting:
        current = waiting.pop()
        if current in seen:
            continue
        seen.add(current)
        for found in _imports(current):
            assert found.target.split(".")[0] not in IMPURE, (
                f"{_place(current, found)}: {module} must not need {found.target}"
            )
            if found.target in MODULES and found.target != PACKAGE:
                waiting.append(found.target)


@pytest.mark.parametrize("module", OUR_PROTOCOL)
def test_the_protocol_opens_nothing(module: str) -> None:
    for node in ast.walk(_tree(module)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in ("open", "input", "print"), (
                f"{MODULES[module].relative_to(ROOT)}:{node.lineno}"
            )


def test_there_is_a_protocol() -> None:
    """The tests above must not pass because they looked at nothing."""
    assert len(OUR_PROTOCOL) > 5
    assert any(found.target == "mbot_nb.errors" for found in _imports("mbot_nb.commands"))
