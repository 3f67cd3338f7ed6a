"""The servers of this process are found by those who connect to them."""

from __future__ import annotations

import pytest

import mbot_nb as mb
from tests.helpers.connections import Connect, Serve


async def test_without_an_address_it_takes_the_server_of_this_notebook_and_says_so(
    server: mb.Server, connect: Connect, capsys: pytest.CaptureFixture[str]
) -> None:
    bot = await connect(None)
    assert bot.url == server.url
    assert (
        capsys.readouterr().out == f"Connected to this notebook's server at {server.url} (tiny).\n"
    )


async def test_a_server_of_this_notebook_needs_no_token_by_hand(
    serve: Serve, connect: Connect
) -> None:
    server = await serve(token="secret")
    for address in (server, server.url, None, f"localhost:{server.port}", f"{server.url}/ws"):
        assert (await connect(address)).connected
