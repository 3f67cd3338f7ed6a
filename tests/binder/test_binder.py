"""Binder's steps, short of its image: a clean environment from `binder/`, and the first notebook in
it without a network."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from itertools import pairwise
from pathlib import Path
from typing import Any

import nbformat
import pytest
from jupyter_server.base.websocket import WS_PING_INTERVAL
from packaging.requirements import Requirement

from mbot_nb.protocol.client import ClientState
from tests.helpers.protocol.world import World

ROOT = Path(__file__).parents[2]
BINDER = ROOT / "binder"
START = "notebooks/00_start_here.ipynb"

NO_NETWORK = '''
"""Every Python process of this environment is refused any way off this machine."""
import ipaddress, sys

def refuse(event, args):
    if event == "socket.connect" and isinstance(args[1], tuple):
        host = args[1][0]
    elif event == "socket.getaddrinfo":
        host = args[0]
    else:
        return
    host = host.decode() if isinstance(host, bytes) else host
    if host in (None, "", "localhost"):
        return
    try:
        if ipaddress.ip_address(host).is_loopback or ipaddress.ip_address(host).is_unspecified:
            return
    except ValueError:
        pass
    raise OSError(f"no network here: {host}")

sys.addaudithook(refuse)
'''


def test_the_files_are_what_binder_looks_for() -> None:
    for name in ("postBuild", "start"):
        file = BINDER / name
        assert os.access(file, os.X_OK), f"chmod +x binder/{name}"
        assert file.read_text(encoding="utf-8").startswith("#!")
    assert (BINDER / "start").read_text(encoding="utf-8").rstrip().endswith('exec "$@"')
    assert (BINDER / "runtime.txt").read_text(encoding="utf-8").strip() == "python-3.11"
    lines = (BINDER / "requirements.txt").read_text(encoding="utf-8").splitlines()
    kernel = next(Requirement(line) for line in lines if line.startswith("ipykernel"))
    assert not kernel.specifier.contains("7.4.0")
    assert kernel.specifier.contains("7.3.0")
    assert not kernel.specifier.contains("7.2.0")


def test_no_connection_is_silent_for_as_long_as_a_proxy_waits() -> None:
    """Binder's way to a notebook is cut after 60 s without a word: the robot's connection, and the
    page's own."""
    world = World()
    heard: dict[str, list[float]] = {"_to_server": [], "_to_client": []}

    def listen(name: str) -> None:
        go_on = getattr(world, name)

        def arrived(*frame: Any) -> None:
            heard[name].append(world.now)
            go_on(*frame)

        setattr(world, name, arrived)

    for name in heard:
        listen(name)
    world.connect()
    world.run(300)
    assert world.client.state is ClientState.CONNECTED
    for name, times in heard.items():
        assert max(after - before for before, after in pairwise([*times, world.now])) < 60, name
    assert WS_PING_INTERVAL < 60_000, (
        "milliseconds between two pings of Jupyter's server, which binder/ leaves as it is"
    )
    assert "ping" not in "".join(file.read_text(encoding="utf-8") for file in BINDER.iterdir())


@pytest.mark.timeout(600)
@pytest.mark.xdist_group("binder")
def test_a_clean_environment_runs_the_first_notebook_without_a_network(tmp_path: Path) -> None:
    began = time.monotonic()
    kept = _kept()
    checkout, environment, installed = (
        kept / name for name in ("checkout", "environment", "installed")
    )
    shutil.rmtree(checkout, ignore_errors=True)
    shutil.copytree(
        ROOT, checkout, ignore=shutil.ignore_patterns(".git", ".*", "build", "dist", "__pycache__")
    )
    if not installed.exists():
        shutil.rmtree(environment, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", environment], check=True, timeout=60)
    path = f"{environment / 'bin'}{os.pathsep}{os.environ['PATH']}"
    home = {
        name: str(tmp_path / name.lower())
        for name in ("HOME", "IPYTHONDIR", "MPLCONFIGDIR", "JUPYTER_RUNTIME_DIR")
    }
    clean = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("JUPYTER", "IPYTHON", "MPL", "PYTHON"))
    }
    clean |= home | {"PATH": path, "VIRTUAL_ENV": str(environment)}
    for folder in home.values():
        Path(folder).mkdir()

    def run(*command: str | Path, seconds: float, **more: str) -> str:
        done = subprocess.run(
            command,
            cwd=checkout,
            env=clean | more,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        assert done.returncode == 0, (
            f"{' '.join(map(str, command))}:\n{done.stdout[-2000:]}\n{done.stderr[-3000:]}"
        )
        return done.stdout

    # What repo2docker does with the files, in its order. Where pip installs from is its user's
    # setting.
    pip = ["python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if not installed.exists():
        # What is imported is compiled then.
        requirements = ["--no-compile", "-r", "binder/requirements.txt"]
        run(*pip, *requirements, seconds=400, HOME=os.environ.get("HOME", ""))
        installed.touch()
    assert "is ready" in run(checkout / "binder" / "postBuild", seconds=60)
    print(f"built after {time.monotonic() - began:.0f} s")
    config = environment / "etc" / "ipython" / "ipython_kernel_config.py"
    line = config.read_text(encoding="utf-8").strip()
    assert "mbot_nb.jupyter.ipykernel_fixes" in line, (
        "its kernels hear every message from their start"
    )
    assert line in (ROOT / "Makefile").read_text(encoding="utf-8"), "as those of `make lab` do"

    # From here on there is no network.
    guard = tmp_path / "guard"
    guard.mkdir()
    (guard / "sitecustomize.py").write_text(NO_NETWORK, encoding="utf-8")
    offline = {"PYTHONPATH": str(guard)}
    refused = (
        "import socket\ntry: socket.create_connection(('192.0.2.1', 80), 1)\nexcept OSError "
        "as error: print(error)"
    )
    assert "no network here" in run("python", "-c", refused, seconds=20, **offline)

    start = checkout / "binder" / "start"
    execute = [
        "jupyter",
        "nbconvert",
        "--to",
        "notebook",
        "--execute",
        "--ExecutePreprocessor.timeout=60",
        START,
    ]
    run(start, *execute, "--output-dir", tmp_path, "--output", "done", seconds=150, **offline)
    notebook = nbformat.read(tmp_path / "done.ipynb", as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.execution_count for cell in cells)
    pictures = [
        output.data
        for cell in cells
        for output in cell.outputs
        if "image/png" in output.get("data", {})
    ]
    assert any("application/vnd.jupyter.widget-view+json" in data for data in pictures), (
        "the card is there"
    )
    assert run(
        "python", "-c", "import ipykernel; print(ipykernel.__version__)", seconds=20
    ).startswith("7.3")

    # And JupyterLab opens the notebook without being told.
    assert _default_page(
        start, checkout, clean | offline, tmp_path / "jupyter_runtime_dir"
    ).endswith(f"/lab/tree/{START}")


def _kept() -> Path:
    """The folder of the environment that what is installed here asks for; those of others go.

    It is built once, and used again until one of these files or the Python changes.
    """
    asked = [
        *sorted(BINDER.iterdir()),
        *(ROOT / name for name in ("constraints.txt", "pyproject.toml")),
    ]
    key = hashlib.sha256(sys.version.encode())
    for file in asked:
        key.update(file.read_bytes())
    folder = ROOT / "build" / "binder" / key.hexdigest()[:16]
    folder.mkdir(parents=True, exist_ok=True)
    for other in folder.parent.iterdir():
        if other != folder:
            shutil.rmtree(other)
    return folder


def _default_page(start: Path, checkout: Path, environment: dict[str, str], runtime: Path) -> str:
    """Where JupyterLab sends a visitor of its bare address."""
    command = [
        str(start),
        "jupyter",
        "lab",
        "--no-browser",
        "--allow-root",
        "--ServerApp.port=0",
        "--IdentityProvider.token=",
    ]
    log = runtime / "lab.log"
    with log.open("w") as output:
        lab = subprocess.Popen(
            command, cwd=checkout, env=environment, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        deadline = time.monotonic() + 60
        file = runtime / f"jpserver-{lab.pid}.json"
        while not file.exists() or not file.read_text(encoding="utf-8").endswith("}"):
            assert lab.poll() is None, log.read_text(encoding="utf-8")
            assert time.monotonic() < deadline, log.read_text(encoding="utf-8")
            time.sleep(0.05)
        address = json.loads(file.read_text(encoding="utf-8"))["url"]
        with urllib.request.urlopen(address, timeout=30) as answer:
            return str(answer.url)
    finally:
        lab.terminate()
        lab.wait(20)
