"""Python, packages, the notebook's kernel, JupyterLab, the event loop."""

from __future__ import annotations

import asyncio
import os
import platform
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

from ..errors import UsageError
from ..jupyter.cells import shell
from ..local import paths
from ..loops.home import running_loop
from ..version import __version__
from .findings import Check

__all__ = ["checks", "kernel", "loop", "needed"]

OLDEST_PYTHON = (3, 11)
INSTALL = f"`{os.path.basename(sys.executable)} -m pip install"


def checks() -> Iterator[Check]:
    """All of this module."""
    yield python(sys.version_info[:3])
    yield from packages()
    yield kernel(_version("ipykernel"), shell())
    yield lab(_version("jupyterlab"))
    yield loop(running_loop(), _nested_by())
    yield own_folders()


def python(version: tuple[int, ...]) -> Check:
    """Which Python, on which system."""
    found = (
        f"{platform.python_implementation()} {'.'.join(map(str, version))} on "
        f"{platform.system()} {platform.machine()}"
    )
    if version[:2] < OLDEST_PYTHON:
        return Check.bad(
            "Python", found, "install Python 3.11 or newer, and make the environment anew with it"
        )
    return Check.good("Python", found)


def packages() -> Iterator[Check]:
    """Whether mbot_nb is installed, and all that it asks for."""
    try:
        requirements = metadata.requires("mbot_nb") or ()
    except metadata.PackageNotFoundError:
        here = Path(__file__).parents[2]
        found = (
            f"mbot_nb is not installed: it is only found in {here}, and nothing says what it needs"
        )
        what = f'-e "{here}"' if (here / "pyproject.toml").exists() else "mbot_nb"
        yield Check.bad("packages", found, f"{INSTALL} {what}`")
    else:
        yield from needed(requirements)


def needed(requirements: Any) -> Iterator[Check]:
    """Whether everything that mbot_nb asks for is here, in a version that it asks for."""
    from packaging.requirements import Requirement

    wrong = []
    for requirement in map(Requirement, requirements):
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        found = _version(requirement.name)
        if found is None:
            wrong.append(f"{requirement.name} is missing")
        elif not requirement.specifier.contains(found, prereleases=True):
            wrong.append(f"{requirement.name} is {found}, and {requirement.specifier} is asked for")
    if wrong:
        names = " ".join(
            f'"{requirement}"' for requirement in requirements if ";" not in requirement
        )
        yield Check.bad(
            "packages", f"mbot_nb {__version__}: " + "; ".join(wrong), f"{INSTALL} {names}`"
        )
    else:
        yield Check.good("packages", f"mbot_nb {__version__}, and all that it needs")


def kernel(version: str | None, shell: Any) -> Check:
    """Which kernel, and to which thread it brings the clicks on buttons."""
    name = "kernel and clicks"
    if version is None:
        return Check.warning(
            name,
            "no ipykernel is installed: no notebook runs here",
            f'{INSTALL} "ipykernel>=7.3,!=7.4.0"`',
        )
    where = f"ipykernel {version}"
    running = getattr(shell, "kernel", None)
    if running is None:
        where += " (installed; this is no notebook)"
    elif not getattr(running, "_supports_kernel_subshells", False) and _tuple(version) >= (7,):
        return Check.warning(
            name,
            f"{where}, without subshells: a click waits until the cell ends",
            "restart the kernel from JupyterLab",
        )
    if _tuple(version) < (7,):
        remedy = (
            f'{INSTALL} "ipykernel>=7.3,!=7.4.0"`, then restart the kernel. `bot.stop()` in '
            "a cell always works"
        )
        return Check.warning(
            name, f"{where}: a click waits until the running cell ends, a Stop button too", remedy
        )
    if _tuple(version)[:3] == (7, 4, 0):
        remedy = f'{INSTALL} "ipykernel>=7.3,!=7.4.0"`, then restart the kernel'
        return Check.warning(
            name, f"{where}: a slider that is moved while a cell awaits is dead afterwards", remedy
        )
    return Check.good(name, f"{where}: clicks come at once, by a subshell in a thread of its own")


def lab(version: str | None) -> Check:
    """Which JupyterLab; it may live in another environment than the kernel."""
    if version is None:
        found = "not installed in this Python's environment (it may be in another one)"
        return Check.warning("JupyterLab", found, f'{INSTALL} "jupyterlab>=4.4"`, if you have none')
    if _tuple(version) < (4, 4):
        found = f"{version} does not send clicks to subshells: they wait until the cell ends"
        return Check.warning(
            "JupyterLab", found, f'{INSTALL} "jupyterlab>=4.4"`, then start it anew'
        )
    return Check.good("JupyterLab", version)


def loop(running: asyncio.AbstractEventLoop | None, nested_by: str) -> Check:
    """The event loop in which a notebook's clients and servers live."""
    if nested_by == "nest_asyncio":
        return Check.bad(
            "event loop",
            "nest_asyncio has changed it: with ipykernel 7 clicks and queued cells get lost",
            "remove `nest_asyncio.apply()` and restart the kernel; for plain calls there is "
            "`mb.sync`",
        )
    nested = ", nested by nest_asyncio2" if nested_by else ""
    if running is None:
        return Check.good(
            "event loop", f"none runs here{nested}; `mb.sync` and `asyncio.run` bring their own"
        )
    found = f"{type(running).__module__}.{type(running).__name__}"
    if not isinstance(running, asyncio.BaseEventLoop):
        return Check.warning(
            "event loop",
            f"{found}, not one of asyncio's own: `mb.run` cannot nest it",
            "use `await` or `mb.sync`",
        )
    return Check.good("event loop", found + nested)


def own_folders() -> Check:
    """Whether what runs and what is measured can be written down."""
    try:
        runtime = paths.runtime()
    except UsageError as error:
        why, _, remedy = str(error).partition("; ")
        return Check.warning("folders", f"what runs here cannot be listed ({why})", remedy)
    if not os.access(runtime, os.W_OK):
        found = f"{runtime} cannot be written to: what runs here is not found by `mb.discover()`"
        return Check.warning("folders", found, "set MBOT_NB_RUNTIME_DIR to a folder of your own")
    config = paths.config()
    there = next(path for path in (config, *config.parents) if path.exists())
    if not os.access(there, os.W_OK):
        found = f"{config} cannot be written to: a robot's calibration is not kept"
        return Check.warning("folders", found, "set MBOT_NB_CONFIG_DIR to a folder of your own")
    return Check.good("folders", f"{runtime} (what runs), {config} (calibrations)")


def _nested_by() -> str:
    """Which of the two packages has changed asyncio; the new one also leaves the old one's mark."""
    if not hasattr(asyncio, "_nest_patched"):
        return ""
    return "nest_asyncio2" if hasattr(asyncio, "_nest_asyncio2") else "nest_asyncio"


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _tuple(version: str) -> tuple[int, ...]:
    from packaging.version import Version

    return Version(version).release
