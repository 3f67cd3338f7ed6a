"""Games, sorting and the personality through the robot: commands in, events and state out."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mbot_nb import commands as c
from mbot_nb.errors import CommandRejectedError
from mbot_nb.robots import SimulatedRobot, World
from mbot_nb.robots.simulator.world import Piece
from tests.helpers.robots import Ears, FakeClock


def game(bot: SimulatedRobot) -> dict[str, Any]:
    found: dict[str, Any] = bot.state()["game_state"]
    return found


def test_a_game_is_played_to_its_end(bot: SimulatedRobot, ears: Ears) -> None:
    assert "game_state" not in bot.state()
    answer = bot.execute(c.StartGame(game="tictactoe"))
    assert answer == game(bot)
    assert game(bot)["game_type"] == "tictactoe"
    while game(bot)["state"]["status"] == "playing":
        bot.execute(c.GameMove(move={"cell": game(bot)["state"]["board"].index("")}))
    [(event, data)] = ears
    assert event == ("game_won" if data["result"] == "won" else "game_lost")
    assert data["state"] == game(bot)["state"]
    with pytest.raises(CommandRejectedError, match="no game is being played") as caught:
        bot.execute(c.GameMove(move={"cell": 0}))
    assert caught.value.code == "STATE_CONFLICT"


def test_a_game_can_be_won(clock: FakeClock) -> None:
    bot, ears = SimulatedRobot(seed=2, clock=clock), Ears()
    bot.attach(ears)
    bot.execute(c.StartGame(game="simon"))
    while game(bot)["state"]["status"] == "playing":
        state = game(bot)["state"]
        bot.execute(c.GameMove(move={"color": state["sequence"][state["entered"]]}))
    assert [name for name, _ in ears] == ["game_won"]


def test_a_new_game_gives_the_old_one_up(bot: SimulatedRobot, ears: Ears) -> None:
    bot.execute(c.StartGame(game="memory"))
    bot.execute(c.StartGame(game="simon"))
    assert [(name, data["game_type"], data["reason"]) for name, data in ears] == [
        ("game_lost", "memory", "given up")
    ]
    with pytest.raises(CommandRejectedError, match="simon, not memory"):
        bot.execute(c.StopGame(game="memory"))
    bot.execute(c.StopGame())
    bot.execute(c.StopGame())
    assert len(ears.of("game_lost")) == 2
    assert game(bot)["state"]["status"] == "lost"


def test_two_games_in_a_row_differ_but_a_seed_repeats_both(clock: FakeClock) -> None:
    def rows(seed: int) -> list[Any]:
        bot = SimulatedRobot(seed=seed, clock=clock)
        found = []
        for _ in range(6):
            bot.execute(c.StartGame(game="simon"))
            found.append(game(bot)["state"]["sequence"])
        return found

    assert rows(1) == rows(1)
    assert len({tuple(row) for row in rows(1)}) > 1


def test_simon_shows_its_row_on_leds_and_loudspeaker_for_as_long_as_it_takes(
    bot: SimulatedRobot, clock: FakeClock
) -> None:
    bot.execute(c.SetLed(r=9, g=9, b=9))
    bot.execute(c.StartGame(game="simon"))
    colors = {
        "red": [255, 0, 0],
        "green": [0, 255, 0],
        "blue": [0, 0, 255],
        "yellow": [255, 160, 0],
    }
    [color] = game(bot)["state"]["sequence"]
    clock.sleep(0.1)
    assert bot.state()["leds"] == [colors[color]] * 5
    assert bot.state()["sound"]["frequency"] in (262, 330, 392, 523)
    clock.sleep(0.4)
    assert bot.state()["leds"] == [[0, 0, 0]] * 5
    assert bot.state()["sound"]["frequency"] is None
    clock.sleep(0.2)
    assert bot.state()["leds"] == [[9, 9, 9]] * 5


def test_sorting_moves_pieces_within_reach_into_the_inventory(clock: FakeClock) -> None:
    pieces = (
        Piece(x=110, y=80, color="red"),
        Piece(x=100, y=75, color="red"),
        Piece(x=90, y=60, color="blue"),
        Piece(x=150, y=75, color="green"),
    )
    bot, ears = SimulatedRobot(world=World(pieces=pieces), clock=clock), Ears()
    bot.attach(ears)
    assert bot.state()["inventory"] == {
        "red": 0,
        "green": 0,
        "blue": 0,
        "yellow": 0,
        "last_updated": 0,
    }
    answer = bot.execute(c.SortPieces())
    inventory = bot.state()["inventory"]
    assert [inventory[color] for color in ("red", "green", "blue", "yellow")] == [2, 0, 1, 0]
    assert inventory["last_updated"] > 1_600_000_000_000
    assert ears == [
        ("inventory_updated", {"inventory": inventory, "sorted": ["red", "red", "blue"]})
    ]
    assert answer == ears[0][1]
    assert bot.state()["arena"]["pieces"] == [{"x": 150, "y": 75, "color": "green"}]

    bot.execute(c.SortPieces())
    assert bot.state()["inventory"] == inventory, "nothing else is within reach"
    bot.execute(c.Drive(left=50, right=50, duration=1))
    clock.sleep(2)
    bot.execute(c.SortPieces())
    assert bot.state()["inventory"]["green"] == 1
    bot.simulation.put(Piece(x=130, y=75, color="yellow"))
    bot.execute(c.SortPieces())
    bot.execute(c.SyncInventory())
    assert ears[-1] == ("inventory_updated", {"inventory": bot.state()["inventory"], "sorted": []})
    assert bot.state()["inventory"]["yellow"] == 1


def test_the_capabilities_are_true(bot: SimulatedRobot) -> None:
    capabilities = bot.state()["capabilities"]
    for name, command in {
        "has_drawing": c.StartDrawing(shape="line"),
        "has_sorter": c.SortPieces(),
        "has_games": c.StartGame(game="memory"),
    }.items():
        assert capabilities[name] is True
        bot.execute(command)
    assert capabilities["has_learning_lab"] is False


def test_every_command_that_is_the_robots_own_is_carried_out(bot: SimulatedRobot) -> None:
    servers_own = {"stop", "emergency_stop", "release_stop", "sync_state", "custom"}
    samples: dict[str, dict[str, Any]] = {
        "update_personality": {"energy_baseline": 0.4},
        "start_game": {"game": "tictactoe"},
        "game_move": {"cell": 4},
        "start_drawing": {"shape": "circle"},
        "drive": {"left": 10, "right": 10},
        "move": {"direction": "left"},
        "set_led": {"r": 1, "g": 2, "b": 3},
        "play_tone": {"frequency": 440},
        "display_text": {"text": "hi"},
    }
    for name in sorted(set(c.ALL) - servers_own, key=lambda name: (name != "start_game", name)):
        bot.execute(c.parse(name, samples.get(name, {})))


def test_state_and_telemetry_are_plain_data(bot: SimulatedRobot, clock: FakeClock) -> None:
    """What comes back from JSON is equal: no tuple, no number that is not finite."""
    bot.execute(c.StartGame(game="memory"))
    bot.execute(c.StartDrawing(shape="star"))
    for _ in range(30):
        clock.sleep(0.21)
        for found in (bot.state(), bot.telemetry()):
            assert json.loads(json.dumps(found, allow_nan=False)) == found
