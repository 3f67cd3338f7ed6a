"""What every test is held to.

A test leaves nothing behind: no thread, no task, no child process, no open socket, no exception
that nobody heard. The fixtures here look for that after each test by themselves; a test asks only
for the exceptions it needs. And no test touches the Jupyter, IPython or matplotlib settings of the
person who runs it.
"""

from __future__ import annotations

import asyncio
import errno
import gc
import inspect
import itertools
import logging
import os
import shutil
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from blockbuster import BlockBuster
from hypothesis import HealthCheck, settings

from mbot_nb.local.runtime import Runtime

pytest.register_assert_rewrite("tests.helpers")

# Threads that may outlive a test: one of each for the whole process, and no test owns it.
LASTING_THREADS = (
    # the I/O thread: a daemon, started when first asked for; the tasks on its loop are checked
    # instead
    "mbot_nb-io",
    "pytest_timeout",  # pytest-timeout's clock where there are no alarm signals (Windows)
    "execnet",  # the channel between parallel runners
)
BROWSER = " --remote-debugging-"
"""What Playwright's browsers are started with: one may serve several tests, and begins and ends
processes as it likes."""
GRACE = 1.0
"""Seconds that something already ending is given to end; nothing waits when nothing is left."""

# Only calls that wait for somebody else. Files are read where a notebook's user asked for it (a
# plot reads fonts).
BLOCKING = ("time.", "socket.", "ssl.", "threading.Lock.", "builtins.input")

# A noisy machine makes single examples slow; that is no fault of the code.
settings.register_profile(
    "mbot_nb", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("mbot_nb")


# One home for the run, in place of the user's own.


def pytest_configure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput"):
        return  # a parallel runner has inherited the variables of the one that started it
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # Started in the background: processes that tests start would ignore their interrupts too.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    home = Path(tempfile.mkdtemp(prefix="mbot_nb-tests-"))
    config.add_cleanup(lambda: shutil.rmtree(home, ignore_errors=True))
    for variable in (
        "JUPYTER_CONFIG_DIR",
        "JUPYTER_DATA_DIR",
        "JUPYTER_RUNTIME_DIR",
        "JUPYTERLAB_SETTINGS_DIR",
        "JUPYTERLAB_WORKSPACES_DIR",
        "IPYTHONDIR",
        "MPLCONFIGDIR",
        "MBOT_NB_CONFIG_DIR",
        "MBOT_NB_RUNTIME_DIR",
    ):
        folder = home / variable.lower()
        folder.mkdir(mode=0o700)
        os.environ[variable] = str(folder)
    os.environ["MPLBACKEND"] = "agg"
    os.environ.pop("JUPYTER_PATH", None)
    os.environ.pop("JUPYTER_CONFIG_PATH", None)


def pytest_sessionfinish() -> None:
    gc.unfreeze()


# Nothing is left behind.


class Complaints(logging.Handler):
    """What asyncio says when nobody listens: `Task was destroyed`, `exception was never retrieved`,
    a callback that raised."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if record.exc_info and record.exc_info[1] is not None:
            text += f"\n    {record.exc_info[1]!r}"
        self.texts.append(text)


@pytest.fixture(autouse=True)
def complaints() -> Iterator[list[str]]:
    """What asyncio has complained about in this test; anything in it at the end fails the test.

    A test that provokes a complaint looks at it and clears the list.
    """
    handler = Complaints()
    logger = logging.getLogger("asyncio")
    logger.addHandler(handler)
    yield handler.texts
    logger.removeHandler(handler)
    if handler.texts:
        pytest.fail("asyncio complained:\n" + "\n".join(handler.texts), pytrace=False)


@pytest.fixture(autouse=True)
def leaks(request: pytest.FixtureRequest, complaints: list[str]) -> Iterator[None]:
    """Fail a test after which a thread, a child process or a task on the I/O thread is still there.

    It looks when the test's own loop is closed.
    """
    threads_before = set(threading.enumerate())
    children_before = set(_descendants())
    yield
    if _is_async(request):
        # What was forgotten complains when it is collected: now, so that it is told of the test it
        # belongs to. What is still alive is set aside (until the end of the run), so that the next
        # collection takes 1 ms and not 100.
        gc.collect()
        gc.freeze()

    def threads() -> list[threading.Thread]:
        return [
            thread
            for thread in threading.enumerate()
            if thread not in threads_before
            and thread.is_alive()
            and not thread.name.startswith(LASTING_THREADS)
        ]

    def children() -> list[psutil.Process]:
        return [
            child
            for child in _descendants()
            if child not in children_before and not _lasting(child)
        ]

    _wait_until(lambda: not threads() and not children() and not _io_tasks())
    left = [f"task on the I/O thread: {task!r}" for task in _io_tasks()]
    left += [
        f"thread {thread.name} ({'a daemon' if thread.daemon else 'not a daemon'})"
        for thread in threads()
    ]
    left += [f"child process {child.pid}: {_told(child)}" for child in children()]
    if left:
        pytest.fail("left behind by this test:\n    " + "\n    ".join(left), pytrace=False)


@pytest.fixture
async def _no_tasks_left(leaks: None) -> AsyncIterator[None]:
    """Fail a test after which tasks still run on its loop, other than those that are just
    ending."""
    yield
    current = asyncio.current_task()
    tasks = {task for task in asyncio.all_tasks() if task is not current}
    if not tasks:
        return
    _, tasks = await asyncio.wait(tasks, timeout=GRACE)
    if not tasks:
        return
    told = "\n    ".join(repr(task) for task in tasks)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks, timeout=GRACE)
    pytest.fail(f"tasks left behind by this test:\n    {told}", pytrace=False)


@pytest.fixture(autouse=True)
def _async_checks(request: pytest.FixtureRequest, leaks: None) -> None:
    """The checks that need the test's loop, for the tests that have one."""
    if _is_async(request):
        request.getfixturevalue("_no_tasks_left")


@pytest.fixture
def runtime() -> Iterator[Runtime]:
    """A runtime of this test's own, with an I/O thread of its own, thrown away at its end."""
    with Runtime.fresh() as fresh:
        yield fresh


# Nobody else comes in.


def _own_ports() -> Iterator[int]:
    """Below those that the system gives away, each once, and others for each worker.

    A port that was given back goes to whoever asks next: somebody who still tries to reach the
    server that was there would come to a stranger. Chromium refuses 10080.
    """
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    own = range(11_000 + worker, 32_000, int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))
    begin = os.getpid() % len(own)
    return itertools.cycle((*own[begin:], *own[:begin]))


@pytest.fixture(autouse=True, scope="session")
def _only_this_machine() -> Iterator[None]:
    """Who listens on all addresses listens on this machine's own alone while tests run; who takes
    any port gets an own one."""
    bind, ports = socket.socket.bind, _own_ports()
    own = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}

    def bind_here(self: socket.socket, address: Any) -> None:
        if self.family not in (socket.AF_INET, socket.AF_INET6) or self.type != socket.SOCK_STREAM:
            bind(self, address)
            return
        host, port, *rest = address
        while True:
            try:
                bind(self, (own.get(host, host), port or next(ports), *rest))
                return
            except OSError as error:
                if port or error.errno != errno.EADDRINUSE:
                    raise

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "bind", bind_here)
        yield


# Nothing blocks the loop.

_blocking_calls: BlockBuster | None = None


@pytest.fixture(autouse=True)
def no_blocking(request: pytest.FixtureRequest) -> Iterator[None]:
    """Code of the package that sleeps, waits for a lock or uses a blocking socket in a running loop
    raises `BlockingError`.

    A test may block its own loop. `@pytest.mark.may_block("why")` allows it to the package too.
    """
    global _blocking_calls
    if not _is_async(request) or request.node.get_closest_marker("may_block"):
        yield
        return
    if _blocking_calls is None:
        _blocking_calls = BlockBuster("mbot_nb")
        _blocking_calls.functions = {
            name: function
            for name, function in _blocking_calls.functions.items()
            if name.startswith(BLOCKING)
        }
        # Whoever starts a thread waits the moment until it runs.
        _blocking_calls.functions["threading.Lock.acquire"].can_block_in(
            "mbot_nb/loops/home.py", "start"
        )
    _blocking_calls.activate()
    yield
    _blocking_calls.deactivate()


def _is_async(request: pytest.FixtureRequest) -> bool:
    function = getattr(request, "function", None)
    hypothesis = getattr(function, "hypothesis", None)
    return inspect.iscoroutinefunction(
        hypothesis.inner_test if hypothesis is not None else function
    )


def _descendants() -> list[psutil.Process]:
    """The processes below this one. The system says that there are none without a look at all
    others."""
    if hasattr(os, "waitid"):
        try:
            os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return []
    found: list[psutil.Process] = psutil.Process().children(recursive=True)
    return found


def _wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + GRACE
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)


def _io_tasks() -> set[asyncio.Task[object]]:
    home = sys.modules.get("mbot_nb.loops.home")
    io = home.io_thread().home if home is not None else None
    return set() if io is None else asyncio.all_tasks(io.loop)


def _lasting(child: psutil.Process) -> bool:
    """multiprocessing keeps one helper per process, and a browser that serves several tests its
    own."""
    try:
        # A part of a browser that is just ending cannot be asked what it was; its parents can.
        return "resource_tracker" in _told(child) or any(
            BROWSER in _told(parent) for parent in child.parents()
        )
    except psutil.NoSuchProcess:
        return False  # gone meanwhile


def _told(child: psutil.Process) -> str:
    try:
        return " ".join(child.cmdline()) or child.name()
    except psutil.Error:
        return "already ending"
