"""What stays of a card in a notebook that nobody looked at while it ran: a picture, and words."""

from __future__ import annotations

import base64
import sys
from io import BytesIO
from pathlib import Path

import nbformat
import pytest
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbconvert.exporters import HTMLExporter
from PIL import Image

import mbot_nb as mb
from mbot_nb.widgets.card_image import PATH, picture

ROOT = Path(__file__).parents[2]
LOOK = """
from mbot_nb import widgets
from mbot_nb.embedded.registry import local_servers

class Looking(widgets.Card):
    def __init__(self, bot):
        global drawn
        super().__init__(bot)
        drawn = local_servers().running()[-1].robot.state()["drawing"]

widgets.Card = Looking
"""
"""Notes what the robot draws when its card is made, which may take seconds where much else runs."""
CELLS = [
    LOOK + "import asyncio, mbot_nb as mb\nbot = await mb.demo()",
    "await asyncio.sleep(3)\nawait bot.stop_drawing()\nawait asyncio.sleep(0.5)\nawait bot.close()",
    "drawn",
]


class ThisPython(KernelSpecManager):
    """The kernel of the Python that runs the tests, with the package as it stands here."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        command = [
            sys.executable,
            "-Xfrozen_modules=off",
            "-m",
            "ipykernel_launcher",
            "-f",
            "{connection_file}",
        ]
        return KernelSpec(
            argv=command, display_name="Python 3", language="python", env={"PYTHONPATH": str(ROOT)}
        )


@pytest.mark.timeout(90)
def test_a_demo_that_nobody_watched_leaves_a_picture_of_its_figure() -> None:
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(source) for source in CELLS]
    )
    manager = AsyncKernelManager(kernel_name="python3", kernel_spec_manager=ThisPython())
    NotebookClient(notebook, km=manager, timeout=40, store_widget_state=False).execute(
        cleanup_kc=True
    )
    (output,) = notebook.cells[0].outputs
    assert "robot at ws://" in output.data["text/plain"]
    (drawn,) = notebook.cells[2].outputs
    assert drawn.data["text/plain"] == "{'shape': None}", (
        "the figure begins when there is a card to follow it"
    )
    at_first = {
        "arena": mb.SimulatedRobot().state()["arena"],
        "pose": (100.0, 75.0, 0.0),
        "path": [],
    }
    assert _blue(base64.b64decode(output.data["image/png"])) > _blue(picture(at_first)) + 50, (
        "the figure is on it"
    )
    page, _ = HTMLExporter(template_name="basic").from_notebook_node(notebook)
    assert "data:image/png;base64," in page
    assert "widget-view" not in page, "nothing that needs scripts from elsewhere"


def _blue(png: bytes) -> int:
    """How many points have the colour of the path, and not that of the robot, which is near it."""
    raw, wanted = Image.open(BytesIO(png)).convert("RGB").tobytes(), bytes.fromhex(PATH[1:])
    points = (raw[at : at + 3] for at in range(0, len(raw), 3))
    return sum(
        1
        for point in points
        if all(abs(part - want) < 40 for part, want in zip(point, wanted, strict=True))
    )
