"""Why a server cannot listen, and what to do about it."""

from __future__ import annotations

import re
import socket

import pytest

import mbot_nb as mb
from mbot_nb.server.listen_errors import network_address
from tests.helpers.connections import Serve
from tests.helpers.peer import message, peer


async def test_listening_for_others_makes_and_prints_a_token(
    serve: Serve, capsys: pytest.CaptureFixture[str]
) -> None:
    server = await serve(host="0.0.0.0")
    said = capsys.readouterr().out
    assert server.token is not None
    assert len(server.token) >= 16
    assert f'token="{server.token}"' in said
    address = re.search(r"ws://([^:]+):(\d+)", said)
    assert address is not None
    assert int(address[2]) == server.port
    assert address[1] not in ("0.0.0.0", "127.0.0.1", "localhost"), (
        "others cannot come by this machine's own address"
    )
    assert address[1] == network_address("0.0.0.0").lower()
    async with peer(f"ws://127.0.0.1:{server.port}") as one:
        await one.send(message("auth", {"token": server.token}))
        await one.snapshot()
    other = await serve(host="0.0.0.0", token="mine")
    assert other.token == "mine"
    assert "mine" not in capsys.readouterr().out


async def test_a_taken_port_is_told_by_whom_and_what_to_do(serve: Serve, free_port: int) -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen()
        port = sock.getsockname()[1]
        with pytest.raises(
            mb.AddressInUseError, match=f"Port {port} is taken by another program"
        ) as caught:
            await mb.serve(port=port)
    assert "`await mb.serve(port=0)` takes any free one" in str(caught.value)
    assert isinstance(caught.value, OSError)


async def test_a_port_taken_by_another_notebook_s_server_is_told_so(serve: Serve) -> None:
    from mbot_nb.embedded.registry import local_servers

    server = await serve()
    # What another process would not know of this one.
    local_servers().remove(server)
    with pytest.raises(
        mb.AddressInUseError, match="another mbot_nb server, perhaps of another notebook"
    ):
        await mb.serve(port=server.port)


@pytest.mark.parametrize(
    ("where", "words"),
    [
        ({"port": 70000}, "invalid port"),
        ({"port": -1}, "invalid port"),
        ({"host": "192.0.2.7", "port": 0}, "no address '192.0.2.7'"),
        ({"host": "robot.invalid", "port": 0}, "no address 'robot.invalid'"),
    ],
)
async def test_an_address_that_cannot_be_had_is_told(where: dict[str, object], words: str) -> None:
    with pytest.raises(mb.MbotError, match=words):
        await mb.serve(**where)  # type: ignore[arg-type]
