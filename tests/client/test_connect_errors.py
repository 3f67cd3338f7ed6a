"""Failing to connect tells within two seconds what happened, why, and what to do."""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from websockets.asyncio.server import ServerConnection
from websockets.asyncio.server import serve as plain_serve

import mbot_nb as mb
from mbot_nb.client.connect_errors import advise_in_panel, connect_error
from mbot_nb.protocol.loss import CloseCode, Loss, LossKind
from tests.helpers.connections import Connect, Serve
from tests.helpers.waiting import until

Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def listener(answer: Answer) -> AsyncIterator[str]:
    """Something that listens and is no robot."""
    writers: list[asyncio.StreamWriter] = []

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        await answer(reader, writer)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for writer in writers:
            writer.transport.abort()
        await asyncio.sleep(0)


async def refusal(address: str, **options: object) -> mb.ConnectError:
    begun = time.monotonic()
    with pytest.raises(mb.ConnectError) as caught:
        await mb.connect(address, **options)  # type: ignore[arg-type]
    assert time.monotonic() - begun < 2
    return caught.value


async def test_a_port_that_nobody_listens_on(free_port: int) -> None:
    error = await refusal(f"ws://127.0.0.1:{free_port}")
    assert str(error) == (
        f"No connection to ws://127.0.0.1:{free_port}: nothing listens there (connection "
        "refused). Start a server there first "
        "(`server = await mb.serve()`), check the port, or leave the address out: `await "
        "mb.connect()` brings its own. "
        "With retry=True it keeps trying."
    )
    assert error.retryable
    assert isinstance(error, ConnectionError)


async def test_a_port_that_nobody_listens_on_by_the_name_of_this_machine(free_port: int) -> None:
    assert "nothing listens there" in str(await refusal(f"localhost:{free_port}"))


async def test_a_name_that_nobody_has() -> None:
    error = await refusal("ws://robot.invalid:4000")
    assert "robot.invalid:4000: this name is not known. Check the spelling" in str(error)


async def test_a_port_that_accepts_and_says_nothing() -> None:
    async def nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)

    async with listener(nothing) as url:
        error = await refusal(url)
    assert "nothing answered within 1.6 s" in str(error)
    assert "retry=True" in str(error)


async def test_a_port_that_hangs_up() -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.transport.abort()

    async with listener(hang_up) as url:
        error = await refusal(url)
    assert "the connection broke while it was being made. Is it a WebSocket server?" in str(error)


@pytest.mark.parametrize(
    ("says", "words"),
    [
        (
            b"HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\nnot here\n",
            "answered 404 Not Found: not here. Something else answers",
        ),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
            "answered 200 OK. Something else answers",
        ),
        (b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n", "started with a token"),
        (b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", "answered 403"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "what answers there is not a WebSocket server"),
    ],
)
async def test_something_else_answers(says: bytes, words: str) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(says)

    async with listener(answer) as url:
        error = await refusal(url)
    assert words in str(error)
    assert not error.retryable


async def test_a_websocket_server_that_sends_no_state() -> None:
    async def echo(websocket: ServerConnection) -> None:
        async for text in websocket:
            await websocket.send(text)

    async with plain_serve(echo, "127.0.0.1", 0) as server:
        error = await refusal(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    assert "sent no state within" in str(error)
    assert "Is it a WebSocket V2 server?" in str(error)


async def test_a_server_of_another_version(serve: Serve) -> None:
    async def old(websocket: ServerConnection) -> None:
        await websocket.send('{"version": 1, "type": "state", "payload": {}, "timestamp": 0}')
        await websocket.wait_closed()

    async with plain_serve(old, "127.0.0.1", 0) as server:
        error = await refusal(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    assert "another version" in str(error)
    assert "Update mbot_nb on both sides" in str(error)
    assert not error.retryable


@pytest.mark.parametrize("token", [None, "wrong"])
async def test_a_token_that_is_missing_or_wrong(
    serve: Serve, connect: Connect, caplog: pytest.LogCaptureFixture, token: str | None
) -> None:
    caplog.set_level(logging.DEBUG)
    server = await serve(token="right-and-secret")
    # A client of this process is given the token of its server; under another name the server is a
    # stranger's.
    url = server.url if token else server.url.replace("127.0.0.1", "127.1")
    error = await refusal(url, token=token)
    assert "token" in str(error)
    assert 'await mb.connect("...", token="...")' in str(error)
    bot = await connect(server.url, token="right-and-secret")
    await bot.ping()
    said = (
        caplog.text
        + repr(server)
        + repr(bot)
        + server._repr_html_()
        + bot._repr_html_()
        + repr(bot.stats)
        + str(error)
    )
    assert "right-and-secret" not in said
    assert "wrong" not in said.replace("went wrong", "")
    assert bot._session.session_id not in said


@pytest.mark.parametrize(
    "address",
    [
        "",
        "   ",
        "ftp://robot",
        "ws://",
        "ws://:4000x",
        "ws://robot:99999",
        "ws://[::1",
        "my robot",
        "ws://robot:port",
        "http://",
        "://x",
    ],
)
async def test_what_is_no_address(address: str) -> None:
    error = await refusal(address)
    assert "invalid address" in str(error)
    assert "ws://localhost:4000" in str(error)
    assert not error.retryable


@pytest.mark.parametrize("address", ["ws://a..b:4000", "ws://" + "x" * 70 + ":4000", "ws://.:4000"])
async def test_a_name_that_can_be_none(address: str) -> None:
    error = await refusal(address)
    assert "No connection to" in str(error)


async def test_the_error_of_a_wrong_address_keeps_its_token_to_itself() -> None:
    error = await refusal("ws://robot:99999/?token=secret")
    assert "secret" not in str(error)


async def test_a_certificate_that_nobody_knows(
    serve: Serve, connect: Connect, certificate: tuple[ssl.SSLContext, str]
) -> None:
    context, pem = certificate
    server = await serve(ssl=context)
    assert server.url.startswith("wss://")
    error = await refusal(server.url)
    assert "certificate" in str(error)
    assert "ssl=ssl.create_default_context(cafile=...)" in str(error)
    assert not error.retryable
    bot = await connect(server.url, ssl=ssl.create_default_context(cafile=pem))
    assert bot.connected
    await bot.display_text("secret")
    transport = bot._link._websocket._transport  # type: ignore[union-attr]
    assert transport is not None
    assert transport.get_extra_info("ssl_object").version() == "TLSv1.3"


async def test_much_goes_through_an_encrypted_connection_in_order(
    serve: Serve, connect: Connect, certificate: tuple[ssl.SSLContext, str]
) -> None:
    context, pem = certificate
    server = await serve(ssl=context)
    got: list[tuple[int, int]] = []
    back: list[int] = []
    server.command("note")(lambda client, n, text: got.append((n, len(text))))
    bots = [await connect(server.url, ssl=ssl.create_default_context(cafile=pem)) for _ in range(2)]
    bots[0].subscribe("news", lambda event: back.append(len(event.data)))
    sizes = [10 if n % 10 else 200_000 for n in range(50)]
    for n, size in enumerate(sizes):
        bots[0].send("note", n=n, text="x" * size)
        bots[1].send("display_text", text=str(n))
        await bots[0].drain()
    await asyncio.gather(*[bot.flush() for bot in bots])
    assert got == list(enumerate(sizes))
    for size in (1, 70_000, 900_000, 1):
        server.emit("news", "y" * size)
    await until(lambda: len(back) == 4)
    assert back == [1, 70_000, 900_000, 1]


async def test_tls_below_1_3_is_refused(
    serve: Serve, certificate: tuple[ssl.SSLContext, str]
) -> None:
    context, pem = certificate
    server = await serve(ssl=context)
    old = ssl.create_default_context(cafile=pem)
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    assert "before the encryption stood" in str(await refusal(server.url, ssl=old))


async def test_plain_speech_to_an_encrypted_port_and_the_other_way_round(
    serve: Serve, certificate: tuple[ssl.SSLContext, str]
) -> None:
    secure = await serve(ssl=certificate[0])
    assert "No connection" in str(await refusal(secure.url.replace("wss:", "ws:")))
    plain = await serve()
    assert "No connection" in str(await refusal(plain.url.replace("ws:", "wss:")))


async def test_retry_gives_up_where_trying_again_cannot_help(serve: Serve) -> None:
    server = await serve(token="right")
    error = await refusal(server.url, token="wrong", retry=True)
    assert "token" in str(error)


async def test_a_client_that_never_connected_is_not_left_behind(free_port: int) -> None:
    """The checks of every test see to it: no task, no socket, no warning."""
    for _ in range(5):
        await refusal(f":{free_port}")
    await until(lambda: True)


@pytest.mark.parametrize(
    "written",
    [
        "ws://127.0.0.1:{}",
        "127.0.0.1:{}",
        ":{}",
        "{}",
        "localhost:{}",
        "http://127.0.0.1:{}/",
        " ws://127.0.0.1:{}/ws ",
    ],
)
async def test_an_address_can_be_written_as_one_likes(
    server: mb.Server, connect: Connect, written: str
) -> None:
    bot = await connect(written.format(server.port))
    assert bot.connected


async def test_a_closed_server_is_no_address(serve: Serve) -> None:
    server = await serve()
    await server.close()
    with pytest.raises(mb.ConnectError, match="this server was closed"):
        await mb.connect(server)


async def test_wrong_settings_are_told_before_anything_is_sent(server: mb.Server) -> None:
    for options, words in (
        ({"batch_window": -1}, "batch_window must be a number of 0 or more, not -1"),
        ({"batch_window": "0.1"}, "batch_window: expected a number, got a text"),
        ({"settings": {"retry_delays": []}}, "retry_delays must be numbers of 0 or more"),
        (
            {"settings": {"retry_delays": [0, float("nan")]}},
            "retry_delays must be numbers of 0 or more",
        ),
        ({"max_batch_size": 0}, "1 to 1000"),
        ({"batch_policy": "never"}, '"window" or "adaptive"'),
        ({"settings": {"speed": 5}}, "the settings are: batch_window"),
    ):
        with pytest.raises(mb.UsageError, match=words):
            await mb.connect(server, **options)


def test_every_reason_has_an_advice_for_who_clicks() -> None:
    for kind in LossKind:
        error = connect_error("ws://127.0.0.1:4000", Loss(kind, "so it is"))
        without, with_one = (advise_in_panel(error, lost=lost) for lost in (False, True))
        for told in (without, with_one):
            assert told.startswith("No connection to ws://127.0.0.1:4000: so it is. ")
            assert "retry=True" not in told
            assert "reconnect()" not in told
        assert "Retry now" not in without, "there is no such button"
        assert "press Connect" not in with_one or "Disconnect" in with_one
    replaced = connect_error(
        "ws://127.0.0.1:4000", Loss(LossKind.CLOSED, "it was closed", CloseCode.REPLACED)
    )
    assert "Press Disconnect, then Connect." in advise_in_panel(replaced, lost=True)
