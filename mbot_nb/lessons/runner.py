"""Run a notebook in a kernel of its own, as somebody would who presses Run All."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import sysconfig
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import UsageError
from ..recording.summary import MIME_TYPE, RunSummary

if TYPE_CHECKING:
    from nbformat import NotebookNode

__all__ = ["Failure", "Interrupted", "NotebookRun", "execute", "find_notebook"]

FIRST_NOTEBOOK = "00_start_here.ipynb"
CELL_TIMEOUT = 60
"""Seconds for one cell: no cell of our notebooks takes half of that."""


class Failure(NamedTuple):
    """The cell that failed: its number among the code cells, its first line, its error in one."""

    number: int
    line: str
    error: str


class NotebookRun(NamedTuple):
    """An executed notebook: with its outputs up to the failure, if there was one."""

    notebook: NotebookNode
    cells: int
    """Code cells in it."""
    summary: RunSummary | None
    """Of its recorder, if it showed one."""
    failure: Failure | None


class Interrupted(Exception):
    """Somebody pressed Ctrl-C; the kernel has been shut down."""


def find_notebook(name: str = FIRST_NOTEBOOK) -> Path:
    """A notebook of ours: from the installed package, or from the checkout it is developed in.

    Raises:
        UsageError: it is in neither place.
    """
    package = Path(__file__).parent.parent
    places = [package / "notebooks" / name, package.parent / "notebooks" / name]
    for place in places:
        if place.is_file():
            return place
    raise UsageError(
        f"{name} is missing: this installation of mbot_nb is not complete. Install it again."
    )


def execute(
    path: Path,
    *,
    environment: Mapping[str, str] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> NotebookRun:
    """Execute a notebook; the file is not changed. ``progress(n, of)`` is called before each code
    cell.

    Raises:
        UsageError: what executes notebooks is not installed.
        Interrupted: by Ctrl-C or SIGTERM.
    """
    try:
        import ipykernel  # noqa: F401 - the kernel is another process, but it must be there
        import nbclient  # noqa: F401
        import nbformat
    except ImportError as error:
        raise UsageError(
            f"{error.name} is needed to execute a notebook: pip install 'mbot_nb[lab]'"
        ) from None
    notebook = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    # In a thread, where nbclient leaves the signals alone: Ctrl-C shall cancel, and say so.
    run = _Run(notebook, dict(environment or {}), progress)
    with ThreadPoolExecutor(1, thread_name_prefix="mbot_nb-lesson") as pool, _sigterm_interrupts():
        result = pool.submit(lambda: asyncio.run(run()))
        while True:
            try:
                return result.result()
            except KeyboardInterrupt:
                run.interrupt()


class _Run:
    """One execution, in a loop of its own."""

    def __init__(
        self,
        notebook: NotebookNode,
        environment: dict[str, str],
        progress: Callable[[int, int], None] | None,
    ) -> None:
        self.notebook = notebook
        self._environment = environment
        self._progress = progress
        code = (
            index
            for index, cell in enumerate(notebook.cells)
            if cell.cell_type == "code" and cell.source.strip()
        )
        self._numbers = {index: number for number, index in enumerate(code, 1)}
        self._current = 0
        self._interrupted = False
        self._cancel: Callable[[], object] | None = None

    def interrupt(self) -> None:
        """End it; from any thread."""
        self._interrupted = True
        if self._cancel is not None:
            self._cancel()

    async def __call__(self) -> NotebookRun:
        from nbclient import NotebookClient
        from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

        kernel = _kernel_manager()
        failure: Failure | None = None
        with (
            tempfile.TemporaryDirectory(prefix="mbot_nb-") as folder,
            tempfile.TemporaryFile() as log,
        ):
            resources = {"metadata": {"path": folder}}
            client = NotebookClient(
                self.notebook,
                km=kernel,
                timeout=CELL_TIMEOUT,
                resources=resources,
                on_cell_execute=self._on_cell_execute,
            )
            # What the kernel's process itself says is of interest only if it dies.
            options: dict[str, Any] = {
                "cleanup_kc": True,
                "stderr": log,
                "env": {**os.environ, **_same_package(), **self._environment},
            }
            running = asyncio.ensure_future(client.async_execute(**options))
            loop = asyncio.get_running_loop()
            self._cancel = lambda: loop.call_soon_threadsafe(running.cancel)
            if self._interrupted:
                running.cancel()
            try:
                await running
            except CellExecutionError as error:
                failure = self._failure(f"{error.ename}: {error.evalue}")
            except CellTimeoutError:
                failure = self._failure(f"it ran for more than {CELL_TIMEOUT} s")
            except (DeadKernelError, asyncio.CancelledError, RuntimeError):
                if self._interrupted:
                    raise Interrupted from None
                log.seek(0)
                last = log.read().decode(errors="replace").strip().splitlines()[-1:]
                failure = self._failure(f"the kernel died{': ' + last[0] if last else ''}")
            finally:
                self._cancel = None
                if kernel.has_kernel:
                    await kernel.shutdown_kernel(now=True)
        return NotebookRun(self.notebook, len(self._numbers), _summary(self.notebook), failure)

    def _on_cell_execute(self, cell: NotebookNode, cell_index: int) -> None:
        self._current = cell_index
        if self._progress is not None and cell_index in self._numbers:
            self._progress(self._numbers[cell_index], len(self._numbers))

    def _failure(self, error: str) -> Failure:
        source = self.notebook.cells[self._current].source if self.notebook.cells else ""
        return Failure(
            self._numbers.get(self._current, 0),
            source.strip().partition("\n")[0],
            error.strip().splitlines()[-1],
        )


@contextmanager
def _sigterm_interrupts() -> Iterator[None]:
    """SIGTERM ends it as Ctrl-C does."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


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
    """Let the kernel import this mbot_nb, also from a checkout that is not installed."""
    home = str(Path(__file__).parent.parent.parent)
    if home in {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}:
        return {}
    return {"PYTHONPATH": os.pathsep.join(filter(None, [home, os.environ.get("PYTHONPATH")]))}


def _summary(notebook: NotebookNode) -> RunSummary | None:
    """The last summary shown, read from the output of its media type."""
    shown = [
        output.data[MIME_TYPE]
        for cell in notebook.cells
        for output in cell.get("outputs", ())
        if MIME_TYPE in output.get("data", {})
    ]
    return RunSummary.from_dict(shown[-1]) if shown else None
