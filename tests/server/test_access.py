"""Who gets in: plain HTTP, origins, tokens, ports."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl

import pytest
from websockets.exceptions import InvalidStatus

import mbot_nb as mb
from mbot_nb import address
from mbot_nb.address import default_port
from tests.helpers.connections import Connect, Serve
from tests.helpers.peer import HANDSHAKE, message, peer, raw
from tests.helpers.waiting import until


async def get(port: int, path: str = "/", headers: str = "") -> tuple[int, str, str]:
    """Status, head and body of a plain request."""
    answer = await raw(port, f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}\r\n".encode())
    head, _, body = answer.decode().partition("\r\n\r\n")
    return int(head.split()[1]), head, body


@pytest.mark.parametrize("path", ["/", "/index.html", "/?x=1"])
async def test_a_plain_request_is_told_what_this_is_and_how_to_connect(
    server: mb.Server, path: str
) -> None:
    status, head, body = await get(server.port, path)
    assert status == 200
    assert "text/plain" in head
    assert f"mbot_nb {mb.__version__}" in body
    assert "the robot tiny" in body
    assert f'await mbot_nb.connect("{server.url}")' in body


@pytest.mark.parametrize(
    ("missing", "status"),
    [("Sec-WebSocket-Key", 400), ("Sec-WebSocket-Version", 400), ("Connection", 426)],
)
async def test_an_upgrade_that_misses_a_header_is_told_which(
    server: mb.Server, missing: str, status: int
) -> None:
    lines = [line for line in HANDSHAKE.decode().split("\r\n") if not line.startswith(missing)]
    answer = (await raw(server.port, "\r\n".join(lines).encode())).decode()
    assert answer.startswith(f"HTTP/1.1 {status} ")
    assert missing in answer


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        (None, True),
        ("http://localhost:8888", True),
        ("http://127.0.0.1:5500", True),
        ("http://[::1]:3000", True),
        ("https://classroom.example", True),
        ("https://classroom.example:443", True),
        ("https://classroom.example:444", False),
        ("http://classroom.example", False),
        ("https://evil.example", False),
        ("http://localhost.evil.example", False),
        ("http://127.0.0.1.evil.example", False),
        ("https://classroom.example.evil.example", False),
        ("http://evil.example/localhost", False),
        ("http://localhost@evil.example", False),
        ("null", False),
        ("", False),
    ],
)
async def test_a_web_page_from_elsewhere_may_not_drive(
    serve: Serve, origin: str | None, allowed: bool
) -> None:
    server = await serve(allow_origins=["https://Classroom.example/"])
    if allowed:
        async with peer(server.url, origin=origin) as one:
            await one.snapshot()
        return
    with pytest.raises(InvalidStatus) as caught:
        async with peer(server.url, headers={"Origin": origin or ""}):
            raise AssertionError("it was let in")
    assert caught.value.response.status_code == 403
    assert b"allow_origins=[...]" in (caught.value.response.body or b"")


async def test_one_web_page_alone_needs_no_list(serve: Serve) -> None:
    server = await serve(allow_origins="http://192.168.1.20:8080")
    async with peer(server.url, origin="http://192.168.1.20:8080") as one:
        await one.snapshot()


async def test_without_a_port_the_encrypted_server_is_where_clients_look_for_it(
    serve: Serve,
    connect: Connect,
    certificate: tuple[ssl.SSLContext, str],
    free_port: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert (default_port(False), default_port(True)) == (4000, 4443)
    monkeypatch.setattr(address, "_SECURE_PORT", free_port)
    server = await serve(port=None, ssl=certificate[0])
    assert server.port == free_port
    bot = await connect("wss://127.0.0.1", ssl=ssl.create_default_context(cafile=certificate[1]))
    assert bot.connected


@pytest.mark.parametrize("way", ["header", "query", "message"])
async def test_a_token_may_be_shown_in_three_ways(serve: Serve, way: str) -> None:
    server = await serve(token="open sesame")
    headers = {"Authorization": "bearer open sesame"} if way == "header" else None
    url = server.url + "/?token=open%20sesame" if way == "query" else server.url
    async with peer(url, headers=headers) as one:
        if way == "message":
            await one.send(message("auth", {"token": "open sesame"}))
        assert (await one.snapshot())["snapshot"] is True


@pytest.mark.parametrize("extended", [False, True])
@pytest.mark.parametrize("way", ["header", "query", "message"])
async def test_a_wrong_token_is_shown_the_door_at_once(
    serve: Serve, way: str, extended: bool
) -> None:
    server = await serve(token="open sesame")
    headers = {"Authorization": "Bearer sesame"} if way == "header" else None
    url = server.url + "/?token=sesame" if way == "query" else server.url
    async with peer(url, headers=headers, extended=extended) as one:
        if way == "message":
            await one.send(message("auth", {"token": "open sesam"}))
        code, reason = await one.closed(2)
        assert code == 4401
        assert "token" in reason
        assert one.of("state") == []


@pytest.mark.parametrize("extended", [False, True])
async def test_without_a_token_nothing_is_said_but_that_one_is_needed(
    serve: Serve, extended: bool
) -> None:
    server = await serve(token="open sesame", settings={"auth_timeout": 0.4, "auth_hint": 0.1})
    hooks: list[object] = []
    server.on_connect(hooks.append)
    async with peer(server.url, extended=extended, session="a" * 32, attempt=1) as one:
        await one.send(
            message("command", {"command": "display_text", "params": {"text": "x"}}),
            message("ping", {"id": 1}),
        )
        server.emit("news", 1)
        code, _ = await one.closed(3)
        assert code == 4401
        kinds = {frame["type"] for frame in one.frames}
        assert kinds == ({"error"} if extended else {"event"})
        payload = one.frames[0]["payload"]
        error = payload if extended else payload["data"]
        assert error["code"] == "AUTH_REQUIRED"
        assert '"auth"' in error["message"]
    assert len(server._hub.sessions) == 0
    assert hooks == []
    assert server.robot.state()["tiny"]["text"] == ""


async def test_the_token_reaches_no_log_and_no_picture_of_an_object(
    serve: Serve, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server = await serve(token="open-sesame")
    bot = await connect(f"{server.url}/?token=open-sesame")
    async with peer(f"{server.url}?token=open-sesame") as one:
        await one.snapshot()
        said = [
            repr(server),
            server._repr_html_(),
            repr(bot),
            bot._repr_html_(),
            bot.url,
            repr(server.clients),
        ]
    await server.close()
    await until(lambda: not bot.connected)
    # The library that plays the hand-written client logs what it does itself.
    said += [
        record.getMessage() for record in caplog.records if not record.name.startswith("websockets")
    ]
    assert len(said) > 6
    assert "open-sesame" not in " ".join(said)


async def test_ten_servers_side_by_side(serve: Serve, connect: Connect) -> None:
    servers = [await serve() for _ in range(10)]
    assert len({server.port for server in servers}) == 10
    bots = [await connect(server) for server in servers]
    await asyncio.gather(*[bot.display_text(str(number)) for number, bot in enumerate(bots)])
    for number, server in enumerate(servers):
        assert server.robot.state()["tiny"]["text"] == str(number)


async def test_a_closed_server_frees_its_port(serve: Serve, connect: Connect) -> None:
    server = await serve()
    bots = [await connect(server) for _ in range(3)]
    await asyncio.gather(server.close(), server.close())
    assert server.closed
    assert repr(server) == "<server, closed>"
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("127.0.0.1", server.port))
        sock.listen()
    await until(lambda: not any(bot.connected for bot in bots))


async def test_async_with_closes_both() -> None:
    from tests.helpers.tiny_robot import TinyRobot

    async with mb.serve(TinyRobot(), port=0) as server, mb.connect(server) as bot:
        await bot.ping()
    assert server.closed
    assert bot.connection_state == "disconnected"
