"""Real kernels of three versions, and what a notebook's page does to them.

Each version of ipykernel is installed once into `build/kernels/VERSION` and stands in front of the
environment's own on the kernel's path; everything else is shared. Afterwards no network is needed.
"""

from __future__ import annotations

import ast
import json
import os
import queue
import re
import shutil
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import KernelManager

ROOT = Path(__file__).parents[2]
KERNELS = ROOT / "build" / "kernels"
VERSIONS = ("6.31.0", "7.3.0", "7.4.0")
USUAL = "7.3.0"
"""The version of our environments, for what does not depend on it."""
PATIENCE = 10.0
"""Seconds after which a cell hangs."""


EARS = """
import asyncio, gc, logging, sys, threading, time
import ipywidgets
import mbot_nb as mb
from mbot_nb.embedded import api, registry
from mbot_nb.embedded.registry import local_servers

complaints = []

class Ear(logging.Handler):
    def emit(self, record):
        error = repr(record.exc_info[1]) if record.exc_info else ""
        complaints.append(record.getMessage() + error)

logging.getLogger("asyncio").addHandler(Ear(logging.WARNING))
sys.unraisablehook = lambda found: complaints.append(repr(found.exc_value))
threading.excepthook = lambda found: complaints.append(repr(found.exc_value))

buttons = []

def button(callback):
    made = ipywidgets.Button()
    made.on_click(callback)
    buttons.append(made)
    return made.comm.comm_id

def ours():
    "What of the package still lives: servers, clients, tasks, and what was complained of."
    gc.collect()
    io = mb.Server.__module__ and sys.modules["mbot_nb.loops.home"].io_thread().home
    loops = [asyncio.get_running_loop()] + ([io.loop] if io else [])
    clients = [
        repr(thing) for thing in gc.get_objects() if type(thing) is mb.Client and not thing.closed
    ]
    tasks = [
        repr(task) for loop in loops for task in asyncio.all_tasks(loop) if "mbot_nb" in repr(task)
    ]
    return [repr(server) for server in local_servers().running()] + clients + tasks + complaints

async def close_everything():
    for thing in [thing for thing in gc.get_objects() if type(thing) in (mb.Client, mb.Server)]:
        await thing.close()
    complaints.clear()
"""
"""What listens inside a kernel for whatever nobody else hears."""


@dataclass
class Cell:
    """What the page shows below one cell."""

    stdout: str = ""
    stderr: str = ""
    result: str = ""
    """The text of the last value."""
    displays: list[dict[str, Any]] = field(default_factory=list)
    """Everything shown, by MIME type."""
    error: str = ""
    """The name of the exception's class."""
    message: str = ""
    traceback: str = ""
    """As the page shows it, without its colours."""
    seconds: float = 0.0

    @property
    def said(self) -> str:
        """All of its text, wherever it went."""
        return "\n".join(filter(None, (self.stdout, self.stderr, self.result, self.traceback)))


class Kernel:
    """A running kernel and its page: runs cells, clicks buttons, interrupts, restarts."""

    def __init__(self, version: str, folder: Path) -> None:
        self.version = version
        spec = folder / f"mbot-{version}"
        spec.mkdir(parents=True)
        argv = [
            sys.executable,
            "-Xfrozen_modules=off",
            "-m",
            "ipykernel_launcher",
            "-f",
            "{connection_file}",
        ]
        # Beside what a user is warned of: sockets and files that nobody closed.
        env = {
            "PYTHONPATH": os.pathsep.join((str(KERNELS / version), str(ROOT))),
            "PYTHONWARNINGS": "default::ResourceWarning",
        }
        (spec / "kernel.json").write_text(
            json.dumps(
                {
                    "argv": argv,
                    "display_name": version,
                    "language": "python",
                    "interrupt_mode": "signal",
                    "env": env,
                }
            )
        )
        specs = KernelSpecManager(kernel_dirs=[str(folder)], ensure_native_kernel=False)
        self.log = (folder / f"{version}.log").open("w+", encoding="utf-8")
        self.manager = KernelManager(kernel_name=spec.name, kernel_spec_manager=specs)
        self.manager.start_kernel(stdout=self.log, stderr=self.log)
        self.client: BlockingKernelClient = self.manager.blocking_client()
        self._cells: dict[str, Cell] = {}
        self._idle: set[str] = set()
        self._replied: set[str] = set()
        self._subshell: str | None = None
        self._has_subshells = False
        self._begin()

    def _begin(self) -> None:
        self.client.start_channels()
        self.client.wait_for_ready(timeout=PATIENCE)
        info = self.client.kernel_info(reply=True, timeout=PATIENCE)["content"]
        self._has_subshells = "kernel subshells" in info.get("supported_features", [])
        self._subshell = None
        found = self.run("import ipykernel; ipykernel.__version__").result
        assert found == repr(self.version), f"the kernel runs ipykernel {found}, not {self.version}"
        self.run(EARS)

    # What a user does.

    def run(
        self, code: str, *, cell: str | None = None, fails: bool = False, patience: float = PATIENCE
    ) -> Cell:
        """Run a cell to its end; an exception in it fails the test, unless it ``fails``."""
        return self.finish(self.start(code, cell=cell), fails=fails, patience=patience)

    def value(self, expression: str) -> Any:
        """The value of an expression, which may await."""
        return ast.literal_eval(self.run(expression).result)

    def start(self, code: str, *, cell: str | None = None) -> str:
        """Run a cell and do not wait for it; ``cell`` is the id that JupyterLab gives to a cell for
        good."""
        content = {
            "code": textwrap.dedent(code).strip(),
            "silent": False,
            "store_history": True,
            "allow_stdin": False,
        }
        message = self.client.session.msg(
            "execute_request", content, metadata={"cellId": cell} if cell else None
        )
        self.client.shell_channel.send(message)
        id = str(message["header"]["msg_id"])
        self._cells[id] = Cell(seconds=time.monotonic())
        return id

    def finish(self, id: str, *, fails: bool = False, patience: float = PATIENCE) -> Cell:
        """Wait for the end of a started cell. What it prints later still comes into what is
        returned."""
        deadline = time.monotonic() + patience
        while id not in self._idle:
            self._listen(deadline, "the end of the cell")
        # ipykernel 7 may miss a request that comes while it sends a reply (its issue 1554): wait
        # for the reply, as a page does.
        while id not in self._replied:
            try:
                reply = self.client.get_shell_msg(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                pytest.fail(f"ipykernel {self.version}: the cell's reply did not come")
            self._replied.add(reply["parent_header"].get("msg_id", ""))
        cell = self._cells[id]
        cell.seconds = time.monotonic() - cell.seconds
        if bool(cell.error) is not fails:
            expected = "an error" if fails else "none"
            pytest.fail(
                f"on ipykernel {self.version} the cell ended with {expected} expected:\n{cell.said}"
            )
        return cell

    def wait(self, condition: str, *, patience: float = 5.0) -> None:
        """Wait until an expression is true in the kernel, between cells."""
        self.run(f"""
            deadline = time.monotonic() + {patience}
            while not ({condition}):
                assert time.monotonic() < deadline, "not within {patience} s"
                await asyncio.sleep(0.005)
        """)

    def until(self, id: str | None, text: str, *, patience: float = PATIENCE) -> None:
        """Wait until this is shown below a started cell, also when it has ended; or below any
        (None)."""
        deadline = time.monotonic() + patience
        while not any(
            text in cell.said for cell in ([self._cells[id]] if id else list(self._cells.values()))
        ):
            self._listen(deadline, f"{text!r} from the cell")

    def click(self, button: str) -> str:
        """Click a button, given the id of its model; :meth:`finish` waits until its callback has
        returned."""
        return self.comm(button, {"method": "custom", "content": {"event": "click"}})

    def comm(self, comm_id: str, data: dict[str, Any]) -> str:
        """Send what a widget of the page sends: over the subshell that JupyterLab makes for
        widgets, if the kernel has any."""
        message = self.client.session.msg("comm_msg", {"comm_id": comm_id, "data": data})
        subshell = self._widgets_subshell()
        if subshell is not None:
            message["header"]["subshell_id"] = subshell
        self.client.shell_channel.send(message)
        id = message["header"]["msg_id"]
        self._cells[id] = Cell(seconds=time.monotonic())
        return str(id)

    def leave(self) -> None:
        """Close the page: JupyterLab ends the subshell that it made."""
        if self._subshell is not None:
            session, channel = self.client.session, self.client.control_channel
            channel.send(session.msg("delete_subshell_request", {"subshell_id": self._subshell}))
            assert channel.get_msg(timeout=PATIENCE)["content"]["status"] == "ok"
            self._subshell = None

    def interrupt(self) -> None:
        """The square button."""
        self.manager.interrupt_kernel()

    def restart(self) -> None:
        """The round arrow."""
        self.client.stop_channels()
        self.manager.restart_kernel(now=False)
        self.client = self.manager.blocking_client()
        self._cells.clear()
        self._idle.clear()
        self._begin()

    def close(self) -> None:
        """Shut it down, and make sure that it is gone."""
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=False)
        assert not self.manager.is_alive(), "the kernel is still there"
        self.manager.cleanup_resources()
        self.log.close()

    # Inside.

    def _listen(self, deadline: float, what: str) -> None:
        try:
            message = self.client.get_iopub_msg(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            self.log.flush()
            said = Path(self.log.name).read_text(encoding="utf-8")[-2000:]
            pytest.fail(
                f"ipykernel {self.version}: {what} did not come. Its log ends with:\n{said}"
            )
        self._hear(message)

    def _hear(self, message: dict[str, Any]) -> None:
        kind, content = message["msg_type"], message["content"]
        parent = message["parent_header"].get("msg_id", "")
        cell = self._cells.get(parent)
        if kind == "status":
            if content["execution_state"] == "idle":
                self._idle.add(parent)
            return
        if cell is None:
            return
        if kind == "stream":
            setattr(cell, content["name"], getattr(cell, content["name"]) + content["text"])
        elif kind in ("execute_result", "display_data"):
            cell.displays.append(content["data"])
            if kind == "execute_result":
                cell.result = content["data"]["text/plain"]
        elif kind == "error":
            cell.error, cell.message = content["ename"], content["evalue"]
            cell.traceback = _plain("\n".join(content["traceback"]))

    def _widgets_subshell(self) -> str | None:
        if self._has_subshells and self._subshell is None:
            session, channel = self.client.session, self.client.control_channel
            channel.send(session.msg("create_subshell_request", {}))
            self._subshell = channel.get_msg(timeout=PATIENCE)["content"]["subshell_id"]
        return self._subshell


def _plain(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


@contextmanager
def _locked(lock: Path) -> Iterator[None]:
    """One at a time, of all parallel runners; the lock dies with its holder."""
    import fcntl

    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def install(version: str) -> None:
    """One version of ipykernel beside the environment's own, unless it is there."""
    KERNELS.mkdir(parents=True, exist_ok=True)
    folder, complete = KERNELS / version, KERNELS / f"{version}.complete"
    with _locked(KERNELS / ".lock"):
        if complete.exists():
            return
        shutil.rmtree(folder, ignore_errors=True)
        pip = [
            sys.executable,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-deps",
            "--no-input",
            "--disable-pip-version-check",
        ]
        done = subprocess.run(
            [*pip, "--target", str(folder), f"ipykernel=={version}"],
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        if done.returncode:
            pytest.fail(
                f"ipykernel {version} is not in {folder} and could not be installed "
                f"there:\n{done.stderr[-1000:]}"
            )
        complete.touch()


def check_nothing_left(kernel: Kernel) -> None:
    """Fail if anything of ours still lives in the kernel; it is closed then, so that the next test
    begins afresh."""
    left = kernel.value("await asyncio.sleep(0.01) or ours()")
    if left:
        kernel.run("await close_everything()")
        pytest.fail(
            f"left behind in ipykernel {kernel.version}:\n" + "\n".join(left), pytrace=False
        )


WATCH = """
def when(condition):
    "A thread notes when the condition became true, whatever the loop does."
    noted = []

    def look():
        deadline = time.monotonic() + 10
        while not condition() and time.monotonic() < deadline:
            time.sleep(0.002)
        noted.append(time.monotonic())

    threading.Thread(target=look).start()
    return noted

def stands():
    return not server.robot.state()["motors"]["moving"]
"""


def begin(kernel: Kernel, home: str, *, port: int = 0) -> None:
    """A start cell."""
    kernel.run(WATCH)
    kernel.run(
        f"server = await mb.serve(port={port}, {home})\nbot = await mb.connect(server.url, {home})",
        cell="start",
    )


def end(kernel: Kernel) -> None:
    kernel.run("await bot.close(); await server.close()")
