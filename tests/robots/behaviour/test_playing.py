"""A robot's game: begun, moved, given up and shown."""

from __future__ import annotations

from typing import Any

import pytest

from mbot_nb import commands as c
from mbot_nb.errors import CommandRejectedError
from mbot_nb.robots import SimulatedRobot
from tests.helpers.robots import Ears, FakeClock, game


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
