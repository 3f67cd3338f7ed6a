"""A JupyterLab and a Chromium, and a notebook in them as a user has it.

Debian's Chromium is used, nothing is downloaded. Screenshots go to `build/screenshots`.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest
from playwright.sync_api import ConsoleMessage, Error, Locator, Page

from tests.helpers.kernels import KERNELS, install

ROOT = Path(__file__).parents[2]
SCREENSHOTS = ROOT / "build" / "screenshots"
PATIENCE = 60.0
"""Seconds for what takes one or two, on a machine with other work."""

FLAGS = [
    "--no-sandbox",
    "--headless",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

EXECUTE = """async (code) => {
    const kernel = jupyterapp.shell.currentWidget.sessionContext.session.kernel;
    const request = kernel.requestExecute({
        code, stop_on_error: false, silent: false, store_history: false,
    });
    let text = "", error = "";
    request.onIOPub = (message) => {
        const { header: { msg_type: type }, content } = message;
        if (type === "stream" && content.name === "stdout") text += content.text;
        if (type === "error") error = `${content.ename}: ${content.evalue}`;
    };
    await request.done;
    return { text, error };
}"""

COMMAND = """([name, args, patience]) => Promise.race([
    jupyterapp.commands.execute(name, args).then(() => true),
    new Promise((resolve) => setTimeout(resolve, patience, false)),
])"""

RESTARTED = """(patience) => Promise.race([
    window.restarted.then(() => true),
    new Promise((resolve) => setTimeout(resolve, patience, false)),
])"""

DONE = """() => jupyterapp.shell.currentWidget.content.widgets.every((cell) =>
    cell.model.type !== "code" || cell.model.executionState === "idle")"""

PAINTED = """async () => {
    const frame = () => new Promise(requestAnimationFrame);
    await frame();
    // What JupyterLab has scrolled away does not go on, and never ends.
    const shown = ({ target }) => target?.checkVisibility({ contentVisibilityAuto: true });
    const finite = document.getAnimations().filter(({ effect }) =>
        shown(effect) && Number.isFinite(effect.getComputedTiming().endTime));
    const ended = Promise.allSettled(finite.map((animation) => animation.finished));
    await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 5000))]);
    for (let count = 0; count < 4; count += 1) await frame();
}"""

CLOSE_ALL = """() => {
    for (const widget of [...(window.jupyterapp?.shell.widgets("main") ?? [])]) {
        if (widget.context) widget.context.model.dirty = false;
        widget.dispose();
    }
}"""

KERNEL_IDLE = """(name) => {
    const { context, sessionContext } = window.jupyterapp?.shell.currentWidget ?? {};
    return context?.path === name && sessionContext?.session?.kernel?.status === "idle";
}"""

RUNNING = """(at) =>
    jupyterapp.shell.currentWidget.content.widgets[at].model.executionState === 'running'"""

OUTCOME = """() => jupyterapp.shell.currentWidget.content.widgets
    .filter((cell) => cell.model.type === "code")
    .map((cell) => {
        const outputs = cell.outputArea.model.toJSON();
        const errors = outputs.filter((output) => output.output_type === "error");
        return {
            source: cell.model.sharedModel.getSource(),
            count: cell.model.executionCount,
            state: cell.model.executionState,
            error: errors.map((output) => `${output.ename}: ${output.evalue}`).join(),
            text: outputs.map((output) => output.text ?? "").join(""),
        };
    })"""


def chromium() -> str:
    """The browser: $CHROMIUM, or chromium on the path."""
    found = (
        os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    )
    if not found:
        pytest.fail(
            "These tests need a browser: apt-get install -y chromium   (or name one: "
            "CHROMIUM=/path/to/chrome make test)"
        )
    return found


@dataclass
class Lab:
    """A running JupyterLab."""

    folder: Path
    """Where its notebooks are."""
    url: str
    token: str
    log: Path

    def request(self, method: str, path: str) -> Any:
        """Ask its REST interface."""
        headers = {"Authorization": f"token {self.token}"}
        with urllib.request.urlopen(
            urllib.request.Request(self.url + path, method=method, headers=headers)
        ) as answer:
            text = answer.read()
        return json.loads(text) if text else None


@contextmanager
def jupyterlab(home: Path, versions: Sequence[str] = ()) -> Iterator[Lab]:
    """A JupyterLab with the kernels of these versions besides its own, that knows nothing of its
    user's settings."""
    folders = {
        name: home / name.lower()
        for name in (
            "JUPYTER_CONFIG_DIR",
            "JUPYTER_DATA_DIR",
            "JUPYTER_RUNTIME_DIR",
            "JUPYTERLAB_SETTINGS_DIR",
            "JUPYTERLAB_WORKSPACES_DIR",
            "IPYTHONDIR",
            "MPLCONFIGDIR",
        )
    }
    for folder in folders.values():
        folder.mkdir(mode=0o700)
    for version in versions:
        _kernelspec(version, folders["JUPYTER_DATA_DIR"])
    quiet = (
        folders["JUPYTERLAB_SETTINGS_DIR"]
        / "@jupyterlab"
        / "apputils-extension"
        / "notification.jupyterlab-settings"
    )
    quiet.parent.mkdir(parents=True)
    quiet.write_text(json.dumps({"fetchNews": "false", "checkForUpdates": False}), encoding="utf-8")
    notebooks = home / "notebooks"
    notebooks.mkdir()
    token = secrets.token_hex(16)
    log = home / "lab.log"
    command = [
        sys.executable,
        "-m",
        "jupyterlab",
        "--no-browser",
        "--allow-root",
        "--LabApp.expose_app_in_browser=True",
    ]
    command += [
        "--ServerApp.ip=127.0.0.1",
        "--ServerApp.port=0",
        f"--ServerApp.root_dir={notebooks}",
    ]
    command += [f"--IdentityProvider.token={token}"]
    environment = (
        os.environ
        | {name: str(folder) for name, folder in folders.items()}
        | {"PYTHONPATH": str(ROOT)}
    )
    with log.open("w", encoding="utf-8") as output:
        process = subprocess.Popen(
            command, env=environment, stdout=output, stderr=subprocess.STDOUT, cwd=notebooks
        )
    try:
        yield Lab(notebooks, _address(folders["JUPYTER_RUNTIME_DIR"], process, log), token, log)
    finally:
        process.terminate()
        process.wait(20)


def _kernelspec(version: str, data: Path) -> None:
    """The kernel of one version, by the name mbot-VERSION."""
    install(version)
    folder = data / "kernels" / f"mbot-{version}"
    folder.mkdir(parents=True)
    argv = [
        sys.executable,
        "-Xfrozen_modules=off",
        "-m",
        "ipykernel_launcher",
        "-f",
        "{connection_file}",
    ]
    env = {"PYTHONPATH": os.pathsep.join((str(KERNELS / version), str(ROOT)))}
    spec = {"argv": argv, "display_name": f"ipykernel {version}", "language": "python", "env": env}
    (folder / "kernel.json").write_text(json.dumps(spec), encoding="utf-8")


def _address(runtime: Path, process: subprocess.Popen[bytes], log: Path) -> str:
    """Where the server listens, once it does."""
    deadline = time.monotonic() + PATIENCE
    file = runtime / f"jpserver-{process.pid}.json"
    while time.monotonic() < deadline and process.poll() is None:
        if file.exists():
            try:
                return str(json.loads(file.read_text(encoding="utf-8"))["url"])
            except json.JSONDecodeError:
                pass  # it is being written
        time.sleep(0.05)
    pytest.fail(
        f"JupyterLab did not start; its log ends with:\n{log.read_text(encoding='utf-8')[-2000:]}"
    )


class Notebook:
    """One open notebook, with what a user can do to it."""

    def __init__(self, page: Page, lab: Lab, name: str) -> None:
        self.page = page
        self.lab = lab
        self.name = name
        self.console: list[str] = []
        """Errors in the page's console."""
        page.on("console", self._on_console)
        page.on("pageerror", self._on_error)

    def _on_error(self, error: Error) -> None:
        self.console.append(f"uncaught: {error}")

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            place = message.location.get("url", "")
            self.console.append(f"{message.text} ({place})")

    def open(self) -> None:
        """Open it, in the JupyterLab that the page shows or a new one, and wait for its kernel."""
        if self.page.evaluate("() => Boolean(window.jupyterapp)"):
            self.command("docmanager:open", path=self.name)
        else:
            self.go_there()
        self.wait_for_kernel()

    def reload(self) -> None:
        """Load its page again, and wait for its kernel."""
        self.go_there()
        self.wait_for_kernel()

    def close(self) -> None:
        """Close it unsaved, with all that its page shows; JupyterLab stays."""
        self.page.remove_listener("console", self._on_console)
        self.page.remove_listener("pageerror", self._on_error)
        if not self.page.is_closed():
            self.page.evaluate(CLOSE_ALL)

    def go_there(self) -> None:
        """Open its page."""
        # In a workspace of its own: no other test's tabs are opened again.
        workspace = self.name.removesuffix(".ipynb")
        self.page.goto(
            f"{self.lab.url}lab/workspaces/{workspace}/tree/{self.name}?token={self.lab.token}"
        )

    def wait_for_kernel(self) -> None:
        """Wait until its kernel is there, and idle."""
        self.page.wait_for_function(
            KERNEL_IDLE,
            arg=self.name,
            timeout=PATIENCE * 1000,
        )

    def command(self, name: str, **arguments: Any) -> None:
        """A command of JupyterLab, to its end."""
        ended = self.page.evaluate(COMMAND, [name, arguments, PATIENCE * 1000])
        self._must_have_ended(name, ended)

    def _must_have_ended(self, name: str, ended: bool) -> None:
        """Tell which cell it hangs in, where it has not."""
        if not ended:
            kernel = self.page.evaluate(
                "() => String("
                "jupyterapp.shell.currentWidget?.sessionContext?.session?.kernel?.status)"
            )
            pytest.fail(
                f"{name} has not ended within {PATIENCE:.0f} s; the kernel is {kernel}; "
                f"{self.outcome()}"
            )

    def run_all(self) -> None:
        """Run > Run All Cells; to the end of the last cell."""
        self.command("notebook:run-all-cells")
        self.wait_idle()

    def restart_and_run_all(self) -> None:
        """The button with two arrows, and the question whether you are sure."""
        self.page.evaluate(
            "() => { window.restarted = jupyterapp.commands.execute('notebook:restart-run-all'); }"
        )
        self.page.locator(".jp-Dialog .jp-mod-accept").click()
        self._must_have_ended("restart and run all", self.page.evaluate(RESTARTED, PATIENCE * 1000))
        self.wait_idle()

    def run_cell(self, number: int, *, wait: bool = True) -> None:
        """Run one cell; `wait` for its end."""
        self.page.evaluate(
            "(at) => { jupyterapp.shell.currentWidget.content.activeCellIndex = at; }", number
        )
        if wait:
            self.command("notebook:run-cell")
        else:
            self.page.evaluate("() => { jupyterapp.commands.execute('notebook:run-cell'); }")

    def start_cell(self, number: int) -> None:
        """Run one cell, and wait until the kernel has begun it."""
        self.run_cell(number, wait=False)
        self.page.wait_for_function(RUNNING, arg=number)

    def run_source(self, source: str) -> None:
        """Run the cell that reads so."""
        number = self.page.evaluate(
            "(source) => jupyterapp.shell.currentWidget.content.widgets"
            ".findIndex((cell) => cell.model.sharedModel.getSource() === source)",
            source,
        )
        self.run_cell(number)

    def wait_idle(self) -> None:
        """Wait until no cell runs or waits."""
        self.page.wait_for_function(DONE, timeout=PATIENCE * 1000)
        self.page.wait_for_function(
            "() => jupyterapp.shell.currentWidget.sessionContext.session.kernel.status === 'idle'",
            timeout=PATIENCE * 1000,
        )

    def outcome(self) -> list[dict[str, Any]]:
        """Source, execution count, error and text of each cell of code."""
        found: list[dict[str, Any]] = self.page.evaluate(OUTCOME)
        return found

    def errors(self) -> list[str]:
        """The cells that failed."""
        return [f"{cell['source']}\n-> {cell['error']}" for cell in self.outcome() if cell["error"]]

    def value(self, expression: str) -> Any:
        """Evaluate an expression in the kernel."""
        return json.loads(self.execute(f"import json; print(json.dumps({expression}))"))

    def position(self, robot: str = "robot") -> str:
        """Where a robot of the kernel is, as the panels write what it tells: its exact place may be
        rounded another way."""
        return str(
            self.value(
                f"'x %.1f cm, y %.1f cm' % tuple({robot}.state()['pose'][name] for name in 'xy')"
            )
        )

    def execute(self, code: str) -> str:
        """Run code in the kernel, in no cell; returns what it printed."""
        done = self.page.evaluate(EXECUTE, code)
        assert not done["error"], done["error"]
        return str(done["text"])

    def wait(self, condition: str, seconds: float = 20.0) -> None:
        """Wait until an expression is true in the kernel."""
        deadline = time.monotonic() + seconds
        while not self.value(f"bool({condition})"):
            assert time.monotonic() < deadline, f"not within {seconds} s: {condition}"
            self.page.wait_for_timeout(50)

    def theme(self, dark: bool) -> None:
        """Settings > Theme."""
        name = "JupyterLab Dark" if dark else "JupyterLab Light"
        self.command("apputils:change-theme", theme=name)
        self.page.wait_for_function(f"() => document.body.dataset.jpThemeName === '{name}'")

    def screenshot(self, name: str) -> None:
        """A picture of the page, to be looked at."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        painted(self.page)
        (SCREENSHOTS / f"{name}.png").write_bytes(self.page.screenshot())


def painted(page: Page) -> None:
    """Wait until the page shows what it knows: transitions have ended, pictures are drawn."""
    page.evaluate(PAINTED)


def write_notebook(lab: Lab, cells: Path | list[str], kernel: str = "python3") -> str:
    """A copy of a notebook (a path, or the sources of cells of code) for a kernel, under a name of
    its own; returns that."""
    if isinstance(cells, Path):
        content = nbformat.read(cells, as_version=4)
    else:
        content = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(source) for source in cells]
        )
    content.metadata["kernelspec"] = {"name": kernel, "display_name": kernel, "language": "python"}
    file = f"{secrets.token_hex(4)}.ipynb"
    nbformat.write(content, lab.folder / file)
    return file


IMPORT = "import asyncio, time\nimport mbot_nb as mb"
SERVED = (
    f"{IMPORT}\nserver = await mb.serve(mb.SimulatedRobot(seed=1), port=0)\nrobot = server.robot\n"
)
CONNECTED = f"{SERVED}bot = await mb.connect(server)\n"
STOP_AVAILABILITY: dict[str, str | re.Pattern[str]] = {
    "6.31.0": re.compile("this Stop waits until the cell ends. With mb.serve"),
    "7.3.0": "",
    "7.4.0": re.compile("this Stop may wait until the cell ends. With mb.serve"),
}
"""What is said of Stop with a server in the kernel's loop, by the kernel's version."""


def panel_of(notebook: Notebook, name: str) -> Locator:
    panel = notebook.page.locator(f".mbot-{name}")
    panel.first.wait_for()
    return panel


def field(panel: Locator, name: str) -> Locator:
    return panel.locator(f"[data-field={name}]")


REFUSED = re.compile(r"WebSocket connection to 'ws://[^']+' failed: ")


def assert_clean(notebook: Notebook, *, without_a_server: bool = False) -> None:
    """No cell failed, and the page's console has nothing to complain about but,
    ``without_a_server``, that nobody answers."""
    assert notebook.errors() == []
    assert [
        line for line in notebook.console if not (without_a_server and REFUSED.match(line))
    ] == []


STOPPED = "Stopped. It stays so until you release it."
PICTURE = "canvas => canvas.toDataURL()"


def card_of(notebook: Notebook) -> Locator:
    card = notebook.page.locator(".mbot-card")
    card.first.wait_for()
    return card
