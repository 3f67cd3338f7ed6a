"""Networks have names, seeds, and a relay."""

from __future__ import annotations

import pytest

import mbot_nb as mb
from mbot_nb.lab import NETWORKS, Network, Relay, network


@pytest.mark.parametrize("name", sorted(NETWORKS))
async def test_a_robot_can_be_driven_through_each(name: str, server: mb.Server) -> None:
    async with network(name, seed=1).relay(server) as relay, mb.connect(relay.url) as bot:
        answer = await bot.drive(left=20, right=20, duration=0.05)
        assert answer.ended == "time"
        assert relay.name == name


async def test_the_directions_may_differ() -> None:
    conditions = network(Network(0.1), down="lan", seed=7)
    assert (conditions.up.delay, conditions.down) == (0.1, NETWORKS["lan"])
    assert "lan down" in repr(conditions)
    assert "seed 7" in conditions._repr_html_()


def test_without_a_seed_one_is_chosen_and_told() -> None:
    one, other = network("wifi"), network("wifi")
    assert one.seed != other.seed
    assert str(one.seed) in repr(one)


def test_an_unknown_name_says_what_there_is() -> None:
    with pytest.raises(mb.UsageError, match="satellite"):
        network("token ring")


@pytest.mark.parametrize("thread", [False, True])
async def test_the_relay_lives_where_it_is_told_to(server: mb.Server, thread: bool) -> None:
    relay = await network("perfect", seed=1).relay(server.url, thread=thread)
    assert relay.home.is_io_thread is thread
    assert Relay.at(relay.url) is relay
    await relay.close()
