"""WebSockets by themselves: frames there and back, how they end, and why none could be made."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus

import pytest
from websockets.http11 import Request

from mbot_nb.protocol.loss import Loss, LossKind
from mbot_nb.transport import websocket as transport
from mbot_nb.transport.websocket import ClientWebSocket, DialError, ServerWebSocket, WebSocket, dial
from tests.helpers.connections import unused_port
from tests.helpers.waiting import until


class Ear:
    """A receiver that writes down what it is told."""

    def __init__(self) -> None:
        self.websocket: WebSocket | None = None
        self.extended: bool | None = None
        self.texts: list[str] = []
        self.heard = 0
        self.writable: list[bool] = []
        self.ends: list[tuple[Loss, bool]] = []

    def on_open(self, websocket: WebSocket, extended: bool) -> None:
        self.websocket, self.extended = websocket, extended

    def on_text(self, websocket: WebSocket, text: str) -> None:
        self.texts.append(text)

    def on_activity(self, websocket: WebSocket) -> None:
        self.heard += 1

    def on_writable(self, websocket: WebSocket, writable: bool) -> None:
        self.writable.append(writable)

    def on_closed(self, websocket: WebSocket, loss: Loss, clean: bool) -> None:
        self.ends.append((loss, clean))


class Pair:
    """A client's and a server's end of one connection."""

    def __init__(self) -> None:
        self.client, self.server = Ear(), Ear()
        self.websockets: set[ServerWebSocket] = set()
        self.refusal: tuple[HTTPStatus, str] | None = None
        self.near: ClientWebSocket
        self.url = ""

    @property
    def far(self) -> WebSocket:
        assert self.server.websocket is not None
        return self.server.websocket

    def gate(self, request: Request) -> tuple[HTTPStatus, str] | None:
        return self.refusal


@asynccontextmanager
async def listening() -> AsyncIterator[Pair]:
    pair = Pair()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: ServerWebSocket(pair.server, pair.gate, pair.websockets), "127.0.0.1", 0
    )
    pair.url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    try:
        yield pair
    finally:
        server.close()
        for websocket in list(pair.websockets):
            websocket.abort()
            await websocket.wait_closed()


@pytest.fixture
async def pair() -> AsyncIterator[Pair]:
    async with listening() as pair:
        pair.near = await dial(pair.url, pair.client, timeout=2)
        await until(lambda: pair.server.websocket)
        yield pair
        pair.near.abort()
        await pair.near.wait_closed()


async def test_texts_go_both_ways_in_order(pair: Pair) -> None:
    pair.near.send([f"to {n}".encode() for n in range(5)])
    pair.far.send(["fröm ä".encode()])
    await until(lambda: len(pair.server.texts) == 5)
    await until(lambda: pair.client.texts)
    assert pair.server.texts == [f"to {n}" for n in range(5)]
    assert pair.client.texts == ["fröm ä"]
    assert pair.client.extended is True
    assert pair.server.extended is True
    assert pair.far.peer.startswith("127.0.0.1:")


async def test_a_goodbye_is_clean_for_whom_it_is_said_to(pair: Pair) -> None:
    pair.near.close(1000, "enough")
    await until(lambda: pair.server.ends)
    await until(lambda: pair.client.ends)
    loss, clean = pair.server.ends[0]
    assert (loss.kind, loss.code, clean) == (LossKind.CLOSED, 1000, True)
    assert loss.detail == "the other side closed the connection (1000: enough)"
    assert len(pair.client.ends) == 1
    assert not pair.websockets


async def test_a_reason_that_is_too_long_for_a_frame_is_cut_where_a_letter_ends(pair: Pair) -> None:
    pair.near.close(4408, "ä" * 200)
    await until(lambda: pair.server.ends)
    loss, _ = pair.server.ends[0]
    assert loss.code == 4408
    assert "ää" in loss.detail


async def test_a_reset_is_no_goodbye(pair: Pair) -> None:
    transport = pair.near._transport
    assert transport is not None
    transport.get_extra_info("socket").setsockopt(
        socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
    )
    pair.near.abort()
    await until(lambda: pair.server.ends)
    loss, clean = pair.server.ends[0]
    assert (loss.kind, clean) == (LossKind.RESET, False)
    assert "the connection broke" in loss.detail


async def test_who_is_deaf_hears_nothing_more(pair: Pair) -> None:
    pair.near.close(1001, "away", discard_input=True)
    pair.far.send([b"too late"])
    await until(lambda: pair.client.ends)
    assert pair.client.texts == []


async def test_a_peer_that_does_not_say_goodbye_is_hung_up_on(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "CLOSE_TIMEOUT", 0.05)
    far = pair.far._transport
    assert far is not None
    far.pause_reading()
    pair.near.close(1000, "enough")
    await until(lambda: pair.client.ends)
    await asyncio.wait_for(pair.near.wait_closed(), 5)
    far.resume_reading()


async def test_a_full_line_is_told_and_told_when_there_is_room_again(pair: Pair) -> None:
    far = pair.far._transport
    assert far is not None
    far.pause_reading()
    while not pair.client.writable:
        pair.near.send([b"x" * 100_000])
        await asyncio.sleep(0)
    assert pair.client.writable == [False]
    far.resume_reading()
    await until(lambda: len(pair.client.writable) == 2)
    assert pair.client.writable == [False, True]


async def test_what_is_sent_after_the_end_makes_no_noise(pair: Pair) -> None:
    pair.far.abort()
    for _ in range(20):
        pair.near.send([b"x"])
    await until(lambda: pair.client.ends)
    pair.near.send([b"x"])
    pair.near.close()
    pair.near.abort()
    assert len(pair.client.ends) == 1


@pytest.mark.parametrize(
    ("status", "text", "code", "words"),
    [
        (
            HTTPStatus.FORBIDDEN,
            "Not you.\nMore.",
            403,
            "the server answered 403 Forbidden: Not you.",
        ),
        (HTTPStatus.SERVICE_UNAVAILABLE, "", 503, "the server answered 503 Service Unavailable"),
    ],
)
async def test_a_refusal_is_told(status: HTTPStatus, text: str, code: int, words: str) -> None:
    async with listening() as pair:
        pair.refusal = status, text
        with pytest.raises(DialError) as caught:
            await dial(pair.url, pair.client, timeout=2)
        assert caught.value.loss == Loss(LossKind.HTTP, words, code)
        assert pair.client.ends == []
        assert pair.server.websocket is None


@pytest.mark.parametrize(
    ("url", "kind", "words"),
    [
        ("ws://127.0.0.1:{free}/", LossKind.REFUSED, "nothing listens there"),
        ("ws://robot.invalid:1/", LossKind.NAME, "not known"),
        ("ws://a..b:1/", LossKind.ADDRESS, "cannot be looked up"),
        ("http://x/", LossKind.ADDRESS, "isn't a valid URI"),
    ],
)
async def test_why_none_could_be_made(url: str, kind: LossKind, words: str) -> None:
    ear = Ear()
    with pytest.raises(DialError) as caught:
        await dial(url.format(free=unused_port()), ear, timeout=2)
    assert caught.value.loss.kind is kind
    assert words in str(caught.value)
    assert ear.websocket is None


async def test_silence_is_told_after_the_time_and_leaves_nothing() -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen()
        with pytest.raises(DialError, match=r"nothing answered within 0\.1 s"):
            await dial(f"ws://127.0.0.1:{sock.getsockname()[1]}/", Ear(), timeout=0.1)


async def test_a_dial_that_is_cancelled_leaves_nothing() -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen()
        task = asyncio.create_task(
            dial(f"ws://127.0.0.1:{sock.getsockname()[1]}/", Ear(), timeout=5)
        )
        await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_an_encrypted_call_to_a_plain_port_is_told() -> None:
    async with listening() as pair:
        with pytest.raises(DialError) as caught:
            await dial(
                pair.url.replace("ws:", "wss:"),
                pair.client,
                timeout=2,
                ssl=ssl.create_default_context(),
            )
        assert caught.value.loss.kind in (LossKind.TLS, LossKind.RESET)
