"""The checks of conftest.py catch what they are there to catch, and let pass what is right."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parent

# What is wrong is run once, by one of the parallel runners.
pytestmark = pytest.mark.xdist_group("checks")

GOOD = """
import asyncio, os, subprocess, sys, threading, time

async def test_task_just_ending():
    task = asyncio.create_task(asyncio.sleep(0.05))

def test_thread_joined():
    thread = threading.Thread(target=time.sleep, args=(0.01,))
    thread.start()
    thread.join()

def test_child_waited_for():
    subprocess.run([sys.executable, "-c", "pass"], check=True)

async def test_own_sleep():
    time.sleep(0.01)

def test_own_folders(tmp_path):
    import jupyter_core.paths, matplotlib
    assert "mbot_nb-tests-" in jupyter_core.paths.jupyter_runtime_dir()
    assert "mbot_nb-tests-" in matplotlib.get_configdir()
    assert "mbot_nb-tests-" in os.environ["IPYTHONDIR"]

async def test_complaint_expected(complaints):
    asyncio.get_running_loop().call_exception_handler({"message": "it is what it is"})
    assert complaints == ["it is what it is"]
    complaints.clear()
"""

# One file each: what is wrong, and what must be said about it. The last one leaves a task for good.
BAD = {
    "thread": (
        "left behind by this test:\n    thread forgotten (a daemon)",
        """
import threading

def test(request):
    done = threading.Event()
    threading.Thread(target=done.wait, args=(9,), name="forgotten", daemon=True).start()
    request.config.add_cleanup(done.set)
""",
    ),
    "child": (
        "left behind by this test:\n    child process",
        """
import subprocess, sys

def test(request):
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    request.config.add_cleanup(child.communicate)
""",
    ),
    "task": (
        "tasks left behind by this test:\n    <Task pending name='forgotten'",
        """
import asyncio

async def test():
    asyncio.create_task(asyncio.sleep(60), name="forgotten")
    await asyncio.sleep(0)
""",
    ),
    "callback": (
        "asyncio complained:\nException in callback",
        """
import asyncio

async def test():
    asyncio.get_running_loop().call_soon(lambda: 1 / 0)
    await asyncio.sleep(0.01)
""",
    ),
    "unheard": (
        "asyncio complained:\nTask exception was never retrieved",
        """
import asyncio

async def fail():
    raise ValueError("unheard")

async def test():
    task = asyncio.create_task(fail())
    await asyncio.sleep(0.01)
    del task
""",
    ),
    "not_awaited": (
        "RuntimeWarning: coroutine 'nothing' was never awaited",
        """
async def nothing():
    pass

async def test():
    nothing()
""",
    ),
    "socket": (
        "ResourceWarning: unclosed <socket",
        """
import socket

async def test():
    socket.socket()
""",
    ),
    "in_thread": (
        "PytestUnhandledThreadExceptionWarning",
        """
import threading

def test():
    thread = threading.Thread(target=lambda: 1 / 0)
    thread.start()
    thread.join()
""",
    ),
    "blocking": (
        "BlockingError: Blocking call to time.sleep",
        """
import time, mbot_nb.robot

async def test():
    exec(compile("time.sleep(0.01)", mbot_nb.robot.__file__, "exec"), {"time": time})
""",
    ),
    "timeout": (
        "Timeout (>1.0s) from pytest-timeout",
        """
import pytest, time

@pytest.mark.timeout(1)
def test():
    time.sleep(9)
""",
    ),
    "io_task": (
        "left behind by this test:\n    task on the I/O thread: <Task pending name='forgotten'",
        """
import asyncio
from mbot_nb.loops.home import Home

async def forget():
    asyncio.create_task(asyncio.sleep(9), name="forgotten")

def test(request):
    Home.on_io_thread().submit(forget()).result(5)
""",
    ),
}


def _run(folder: Path, files: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run pytest on ``files`` as it runs here: the same settings, the same conftest."""
    root = TESTS.parent
    (folder / "pyproject.toml").write_bytes((root / "pyproject.toml").read_bytes())
    tests = folder / "tests"
    tests.mkdir()
    (tests / "conftest.py").write_bytes((TESTS / "conftest.py").read_bytes())
    for name, source in files.items():
        (tests / f"test_{name}.py").write_text(source, encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-vv",
        "-p",
        "no:cacheprovider",
        *(f"tests/test_{name}.py" for name in files),
    ]
    environment = {**os.environ, "PYTHONPATH": str(root), "COLUMNS": "200"}
    return subprocess.run(
        command,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=25,
    )


@pytest.fixture(scope="module")
def wrong(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What pytest says about all that is wrong."""
    return _run(
        tmp_path_factory.mktemp("wrong"), {name: source for name, (_, source) in BAD.items()}
    ).stdout


def test_what_is_right_passes(tmp_path: Path) -> None:
    run = _run(tmp_path, {"good": GOOD})
    assert run.returncode == 0, run.stdout
    assert f"{GOOD.count('def test_')} passed" in run.stdout


@pytest.mark.parametrize("name", BAD)
def test_what_is_wrong_fails(wrong: str, name: str) -> None:
    complaint, _ = BAD[name]
    assert complaint in wrong, wrong
    assert re.search(rf"^(FAILED|ERROR) tests/test_{name}\.py::test\b", wrong, re.MULTILINE), wrong


def test_nothing_else_is_blamed(wrong: str) -> None:
    blamed = re.findall(r"^(?:FAILED|ERROR) tests/test_(\w+)\.py::test", wrong, re.MULTILINE)
    assert sorted(blamed) == sorted(BAD), wrong
