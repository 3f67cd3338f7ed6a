"""What a new user tries first, in JupyterLab on two kernels: one notebook, run from the top; then
restarted and run, twice."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from tests.helpers.browser import Notebook

    Open = Callable[..., Notebook]

pytestmark = pytest.mark.quiet

DEMO = "import mbot_nb as mb\nbot = await mb.demo()"
PLAIN = (
    "with mb.sync.connect() as other:\n    moved = other.drive(40, 40, duration=0.5)\nprint(moved)"
)
SLEEP = """
import time
await bot.drive(30, -30, duration=0.5, wait=False)
connections = bot.stats.connections
time.sleep(1.5)
"""
AFTER = """
moved = await bot.drive(20, 20, duration=0.1)
print(moved.ended, bot.stats.connections - connections, bot.state.motors.left)
"""
GAME = """
ended = []
bot.subscribe("game_won", lambda event: ended.append(event.name))
bot.subscribe("game_lost", lambda event: ended.append(event.name))
await bot.start_game(game="tictactoe")
while bot.state.game_state.state["status"] == "playing":
    await bot.game_move(cell=bot.state.game_state.state["board"].index(""))
await bot.flush()
print(bot.state.game_state.state["status"], ended)
"""
SEED = """
async def drive(seed):
    robot = mb.SimulatedRobot(seed=seed)
    async with mb.serve(robot, port=0) as server, mb.connect(server) as driver:
        await driver.drive(40, 30, duration=0.5)
        while driver.state.motors.moving:
            await driver.ping()
        path = [(round(x, 6), round(y, 6), round(heading, 6)) for _, x, y, heading in robot.path]
        return path[-1]

print(await drive(7) == await drive(7))
"""
CELLS = [DEMO, PLAIN, SLEEP, AFTER, GAME, SEED]


def assert_it_went_well(notebook: Notebook) -> None:
    """What is read below the cells."""
    assert notebook.errors() == []
    cells = notebook.outcome()
    said = [cell["text"] for cell in cells]
    assert "with a simulated robot" in said[1], said[1]
    assert "<drive: done in 0.5" in said[1], said[1]
    # It comes half a second later, below the cell that runs then, and names the one that slept.
    assert re.search(
        rf"cell \[{cells[2]['count']}\] blocked the loop (again )?for 1\.\d s; "
        r"connections survived",
        "".join(said),
    ), "".join(said)
    assert "time 0 0" in said[3], said[3]
    assert re.search(r"won \['game_won'\]|(lost|draw) \['game_lost'\]", said[4]), said[4]
    assert "True" in said[5], said[5]


@pytest.mark.parametrize("version", ["6.31.0", "7.3.0"])
def test_everything_a_new_user_tries(open_notebook: Open, version: str) -> None:
    notebook = open_notebook(CELLS, version)
    notebook.run_cell(0)
    card = notebook.page.locator(".mbot-card")
    position = card.locator("[data-field=position]")
    expect(card.locator("[data-field=connection]")).to_have_text("connected")
    before = position.inner_text()
    expect(position).not_to_have_text(before)
    notebook.run_all()
    assert_it_went_well(notebook)
    for _ in range(2):
        notebook.restart_and_run_all()
        assert_it_went_well(notebook)
    expect(card).to_have_count(1)
    notebook.screenshot(f"new-user-{version}")
    assert notebook.console == []
