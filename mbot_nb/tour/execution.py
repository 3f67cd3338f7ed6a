"""Run a notebook in a kernel of its own, as somebody would who presses Run All."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import UsageError
from ..recording.summary import MIME_TYPE, Summary

if TYPE_CHECKING:
    from nbformat import NotebookNode

__all__ = ["Execution", "Failure", "Interrupted", "execute", "find_notebook"]

START = "00_start_here.ipynb"
CELL_TIMEOUT = 60
"""Seconds for one cell: no cell of our notebooks takes half of that."""


class Failure(NamedTuple):
    """The cell that stopped it: its number among the code cells, its first line, and what went wrong in one line."""

    number: int
    line: str
    error: str


class Execution(NamedTuple):
    """An executed notebook: with its outputs up to the failure, if there was one."""

    notebook: NotebookNode
    cells: int
    """Code cells in it."""
    summary: Summary | None
    """Of its recorder, if it showed one."""
    failure: Failure | None


class Interrupted(Exception):
    """Somebody pressed Ctrl-C; the kernel has been shut down."""


def find_notebook(name: str = START) -> Path:
    """A notebook of ours: from the installed package, or from the checkout it is developed in.

    Raises:
        UsageError: it is in neither place.
    """
    package = Path(__file__).parent.parent
    places = [package / "notebooks" / name, package.parent / "notebooks" / name]
    for place in places:
        if place.is_file():
            return place
    raise UsageError(f"{name} is missing: this installation of mbot_nb is not complete. Install it again.")


def execute(
    path: Path, *, environment: Mapping[str, str] | None = None, progress: Callable[[int, int], None] | None = None
) -> Execution:
    """Execute a notebook; the file is not changed. ``progress(n, of)`` is called before each code cell.

    Raises:
        UsageError: what executes notebooks is not installed.
        Interrupted: by Ctrl-C or SIGTERM.
    """
    try:
        import ipykernel  # noqa: F401 - the kernel is another process, but it must be there
        import nbclient  # noqa: F401
        import nbformat
    except ImportError as error:
        raise UsageError(f"{error.name} is needed to execute a notebook: pip install 'mbot_nb[lab]'") from None
    notebook = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    return asyncio.run(_execute(notebook, dict(environment or {}), progress))


async def _execute(notebook: NotebookNode, environment: dict[str, str], progress: Callable[[int, int], None] | None) -> Execution:
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    numbers = {index: number for number, index in enumerate(_code_cells(notebook), 1)}
    at = 0
    interrupted = False
    failure: Failure | None = None

    def begins(cell: NotebookNode, cell_index: int) -> None:
        nonlocal at
        at = cell_index
        if progress is not None and cell_index in numbers:
            progress(numbers[cell_index], len(numbers))

    def interrupt() -> None:
        nonlocal interrupted
        interrupted = True
        running.cancel()

    def started(**_: Any) -> None:
        # The client has set handlers of its own; its way of ending looks like a kernel that died.
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, interrupt)

    loop = asyncio.get_running_loop()
    with tempfile.TemporaryDirectory(prefix="mbot_nb-") as folder, _log_of_kernel() as log:
        client = NotebookClient(
            notebook,
            km=_kernel_manager(),
            timeout=CELL_TIMEOUT,
            resources={"metadata": {"path": folder}},
            on_cell_execute=begins,
            on_notebook_start=started if os.name == "posix" else None,
        )
        options = {"cleanup_kc": True, "stderr": log, "env": {**os.environ, **_same_package(), **environment}}
        running = asyncio.ensure_future(client.async_execute(**options))
        try:
            await running
        except CellExecutionError as error:
            failure = _failure(notebook, numbers, at, f"{error.ename}: {error.evalue}")
        except CellTimeoutError:
            failure = _failure(notebook, numbers, at, f"it ran for more than {CELL_TIMEOUT} s")
        except (DeadKernelError, asyncio.CancelledError, RuntimeError) as error:
            if interrupted:
                raise Interrupted from None
            if isinstance(error, asyncio.CancelledError):
                raise
            log.seek(0)
            last = log.read().decode(errors="replace").strip().splitlines()[-1:]
            failure = _failure(notebook, numbers, at, f"the kernel died{': ' + last[0] if last else ''}")
    return Execution(notebook, len(numbers), _summary(notebook), failure)


def _kernel_manager() -> Any:
    """A kernel of this very Python, whatever kernels are registered on this machine."""
    from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
    from jupyter_client.manager import AsyncKernelManager

    class ThisPython(KernelSpecManager):
        def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
            command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
            return KernelSpec(argv=command, display_name="Python 3", language="python")

    return AsyncKernelManager(kernel_name="python3", kernel_spec_manager=ThisPython())


def _same_package() -> dict[str, str]:
    """The kernel shall import the mbot_nb that this is, also from a checkout that is not installed."""
    home = str(Path(__file__).parent.parent.parent)
    if home in {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}:
        return {}
    return {"PYTHONPATH": os.pathsep.join(filter(None, [home, os.environ.get("PYTHONPATH")]))}


@contextmanager
def _log_of_kernel() -> Iterator[Any]:
    """What the kernel's process itself says is of interest only if it dies."""
    with tempfile.TemporaryFile() as log:
        yield log


def _code_cells(notebook: NotebookNode) -> list[int]:
    return [index for index, cell in enumerate(notebook.cells) if cell.cell_type == "code" and cell.source.strip()]


def _failure(notebook: NotebookNode, numbers: Mapping[int, int], at: int, error: str) -> Failure:
    source = notebook.cells[at].source if notebook.cells else ""
    last_line = error.strip().splitlines()[-1] if "\n" in error.strip() else error.strip()
    return Failure(numbers.get(at, 0), source.strip().partition("\n")[0], last_line)


def _summary(notebook: NotebookNode) -> Summary | None:
    """The last one shown; it says its numbers under a media type of their own."""
    shown = [
        output.data[MIME_TYPE]
        for cell in notebook.cells
        for output in cell.get("outputs", ())
        if MIME_TYPE in output.get("data", {})
    ]
    return Summary.from_dict(shown[-1]) if shown else None
