"""Nothing that somebody can send stops the server, or is noticed by another client."""

from __future__ import annotations

import asyncio
import json
import random
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
from websockets.frames import BINARY, CONT, TEXT, Frame, Opcode

import mbot_nb as mb
from mbot_nb.transport import websocket as transport
from tests.helpers.connections import Serve
from tests.helpers.peer import HANDSHAKE, Peer, batch, command, message, peer, raw
from tests.helpers.waiting import until


@pytest.fixture
async def witness(server: mb.Server) -> AsyncIterator[Peer]:
    """Another client, which must neither be cut nor hear of what the first one does."""
    async with peer(server.url) as witness:
        await witness.snapshot()
        yield witness
        pong = await witness.ping()
        assert pong["server_clock"] > 0
        assert {m["payload"]["event"] for m in witness.of("event")} <= {
            "telemetry",
            "robot_stopped",
        }
    assert not server.closed


def nested(levels: int) -> str:
    """A command of so many levels; its own braces are three of them."""
    inner = "1"
    for _ in range(levels - 3):
        inner = f"[{inner}]"
    payload = f'{{"command":"note","params":{{"x":{inner}}}}}'
    return f'{{"version":2,"type":"command","payload":{payload},"timestamp":0}}'


REFUSED = {
    "wrong version": (
        json.dumps({**message("command", {"command": "stop", "params": {}}), "version": 1}),
        "VERSION_MISMATCH",
    ),
    "version as text": (json.dumps({**message("ping", {}), "version": "2"}), "VERSION_MISMATCH"),
    "version true": (json.dumps({**message("ping", {}), "version": True}), "VERSION_MISMATCH"),
    "no version": ("{}", "VERSION_MISMATCH"),
    "nested batch": (
        json.dumps(batch(batch(command("note", x=1), command("note", x=2)), command("note", x=3))),
        "INVALID_MESSAGE",
    ),
    "33 levels": (nested(33), "INVALID_MESSAGE"),
    "a hundred thousand levels": ("[" * 100_000, "INVALID_MESSAGE"),
    "a hundred thousand levels, closed": ("[" * 100_000 + "]" * 100_000, "INVALID_MESSAGE"),
    "a batch of 1001": (json.dumps(batch(*[command("note", x=1)] * 1001)), "INVALID_MESSAGE"),
    "NaN": (
        '{"version":2,"type":"command","payload":{"command":"note","params":{"x":NaN}},"timestamp":0}',
        "INVALID_MESSAGE",
    ),
    "infinity": (
        '{"version":2,"type":"command","payload":{"command":"note","params":{"x":1e999}},"timestamp":0}',
        "INVALID_MESSAGE",
    ),
    "half a character": (
        '{"version":2,"type":"command","payload":{"command":"note","params":{"x":"\\ud800"}},"timestamp":0}',
        "INVALID_MESSAGE",
    ),
    "no JSON": ("drive!", "INVALID_MESSAGE"),
    "nothing": ("", "INVALID_MESSAGE"),
    "a number": ("12", "INVALID_MESSAGE"),
    "null": ("null", "INVALID_MESSAGE"),
    "a list": ("[]", "INVALID_MESSAGE"),
    "unknown type": (json.dumps(message("party", {})), "INVALID_MESSAGE"),
    "what only a server says": (
        json.dumps(message("state", {"snapshot": True})),
        "INVALID_MESSAGE",
    ),
    "payload a list": (json.dumps(message("command", [])), "INVALID_MESSAGE"),
    "params a list": (
        json.dumps(message("command", {"command": "note", "params": []})),
        "INVALID_MESSAGE",
    ),
    "command a number": (
        json.dumps(message("command", {"command": 5, "params": {}})),
        "INVALID_MESSAGE",
    ),
    "command of 200 letters": (
        json.dumps(message("command", {"command": "x" * 200, "params": {}})),
        "INVALID_MESSAGE",
    ),
    "sequence below zero": (json.dumps(command("note", -1, x=1)), "INVALID_MESSAGE"),
    "sequence of 30 digits": (json.dumps(command("note", 10**29, x=1)), "INVALID_MESSAGE"),
    "sequence as text": (json.dumps({**command("note", x=1), "sequence": "1"}), "INVALID_MESSAGE"),
    "batch of text": (json.dumps(message("batch", {"messages": "note"})), "INVALID_MESSAGE"),
    "batch without messages": (json.dumps(message("batch", {})), "INVALID_MESSAGE"),
    "a batch's message a number": (
        json.dumps(message("batch", {"messages": [1, command("note", x=1)]})),
        "INVALID_MESSAGE",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_a_frame_that_breaks_the_contract_is_refused_and_nothing_else_happens(
    server: mb.Server, witness: Peer, name: str
) -> None:
    text, code = REFUSED[name]
    noted: list[object] = []
    server.command("note")(lambda client, x: noted.append(x))
    async with peer(server.url) as one:
        await one.snapshot()
        await one.websocket.send(text)
        await one.ping()
        errors = one.events("error")
        assert errors[0]["code"] == code
        assert len(errors[0]["message"]) > 10
        good = {"nested batch": [3], "a batch's message a number": [1]}.get(name, [])
        assert noted == good, "a bad message in a batch is refused by itself"
        await one.send(command("note", x="still there"))
        await one.ping()
    assert noted == [*good, "still there"]


async def test_thirty_two_levels_and_a_batch_of_1000_are_taken(
    server: mb.Server, witness: Peer
) -> None:
    noted: list[object] = []
    server.command("note")(lambda client, x: noted.append(x))
    async with peer(server.url) as one:
        await one.websocket.send(nested(32))
        await one.send(batch(*[command("note", x=n) for n in range(1000)]))
        await one.ping()
        assert one.events("error") == []
    assert noted[1:] == list(range(1000))


def frame(opcode: Opcode, data: bytes, *, fin: bool = True) -> bytes:
    return Frame(opcode, data, fin=fin).serialize(mask=True)


CLOSED = {
    "2 MiB": (frame(TEXT, b"x" * 2**21), 1009),
    "2 MiB in fragments": (
        frame(TEXT, b"x" * 2**19, fin=False)
        + frame(CONT, b"x" * 2**19, fin=False)
        + frame(CONT, b"x" * 2**19, fin=False),
        1009,
    ),
    "a length of 2**62": (b"\x81\xff" + struct.pack("!Q", 2**62) + b"abcd", 1009),
    "broken UTF-8": (frame(TEXT, b'{"version":2,"\xff\xfe'), 1007),
    "a binary message": (frame(BINARY, b"\x00\x01"), 1003),
    "a binary message in fragments": (
        frame(BINARY, b"\x00", fin=False) + frame(CONT, b"\x01"),
        1003,
    ),
    "not masked": (Frame(TEXT, b"{}").serialize(mask=False), 1002),
    "an unknown opcode": (b"\x83\x80abcd", 1002),
    "a reserved bit": (b"\xc1\x80abcd", 1002),
    "a continuation of nothing": (frame(CONT, b"x"), 1002),
    "a text inside a text": (frame(TEXT, b"x", fin=False) + frame(TEXT, b"y"), 1002),
    "a ping of 200 bytes": (b"\x89\xfe\x00\xc8abcd" + b"x" * 200, 1002),
}


@pytest.mark.parametrize("name", CLOSED)
async def test_what_is_no_text_frame_of_ours_ends_the_connection_with_a_reason(
    server: mb.Server, witness: Peer, name: str
) -> None:
    data, code = CLOSED[name]
    answer = await raw(server.port, HANDSHAKE, then=data)
    head, _, rest = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101 ")
    close = rest[rest.rindex(b"\x88") :]
    assert struct.unpack("!H", close[2:4])[0] == code
    await until(lambda: len(server.clients) == 1)


async def test_fragments_and_frames_byte_by_byte_are_put_together(
    server: mb.Server, witness: Peer
) -> None:
    noted: list[object] = []
    server.command("note")(lambda client, x: noted.append(x))
    text = json.dumps(command("note", x="ä€𝄞")).encode()
    pieces = [text[:1], b"", *[text[n : n + 1] for n in range(1, len(text))]]
    data = frame(TEXT, pieces[0], fin=False)
    data += b"".join(frame(CONT, piece, fin=False) for piece in pieces[1:-1]) + frame(
        CONT, pieces[-1]
    )
    _, writer = await asyncio.open_connection("127.0.0.1", server.port)
    for byte in HANDSHAKE + data:
        writer.write(bytes([byte]))
        await writer.drain()
    await until(lambda: noted)
    assert noted == ["ä€𝄞"]
    writer.transport.abort()


GARBAGE = {
    "no HTTP": b"EHLO robot\r\n\r\n",
    "TLS hello": bytes.fromhex("16030100f8010000f40303") + bytes(200),
    "zeros": bytes(4096),
    "a line without end": b"GET /" + b"x" * 100_000,
    "a hundred thousand headers": b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 100_000,
    "another method": b"POST / HTTP/1.1\r\nHost: x\r\n\r\n",
    "HTTP/9": b"GET / HTTP/9.9\r\nHost: x\r\n\r\n",
    "a path that is no address": HANDSHAKE.replace(b"GET / ", b"GET //[x "),
    "a path of strange bytes": HANDSHAKE.replace(b"GET / ", b"GET /\xff\xfe?token=\xff "),
    "a token of strange bytes": HANDSHAKE.replace(
        b"\r\n\r\n", b"\r\nAuthorization: Bearer \xff\xfe\r\n\r\n"
    ),
    "an origin of strange bytes": HANDSHAKE.replace(
        b"\r\n\r\n", b"\r\nOrigin: http://\xff\xfe[\r\n\r\n"
    ),
    "an origin that is no address": HANDSHAKE.replace(
        b"\r\n\r\n", b"\r\nOrigin: http://[x\r\n\r\n"
    ),
    "a broken key": HANDSHAKE.replace(b"dGhlIHNhbXBsZSBub25jZQ==", b"short"),
    "another WebSocket version": HANDSHAKE.replace(b"Version: 13", b"Version: 8"),
    "two keys": HANDSHAKE.replace(
        b"\r\n\r\n", b"\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    ),
    "a strange subprotocol": HANDSHAKE.replace(
        b"\r\n\r\n", b"\r\nSec-WebSocket-Protocol: ,,,\r\n\r\n"
    ),
    "frames before the answer": HANDSHAKE
    + frame(TEXT, b"{}")
    + frame(BINARY, b"x")
    + b"\xff" * 100,
    "a session of strange numbers": HANDSHAKE.replace(
        b"GET / ", b"GET /?session=abcdefgh&last=-1&attempt=99999999999999999999&epoch=%ff "
    ),
}


@pytest.mark.parametrize("token", [None, "secret"])
@pytest.mark.parametrize("name", GARBAGE)
async def test_garbage_instead_of_http_is_answered_or_hung_up_on(
    serve: Serve, name: str, token: str | None
) -> None:
    """What matters is also what does not happen: asyncio complaining of an exception fails a
    test."""
    server = await serve(token=token)
    async with peer(server.url, headers={"Authorization": f"Bearer {token}"}) as witness:
        await witness.snapshot()
        answer = await raw(server.port, GARBAGE[name], seconds=0.3)
        assert answer == b"" or answer.startswith(b"HTTP/1.1 ")
        assert not answer.startswith(b"HTTP/1.1 5")
        await witness.ping()


async def test_a_slow_loris_is_hung_up_on_and_delays_nobody(
    server: mb.Server, witness: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "HANDSHAKE_TIMEOUT", 0.2)
    lines = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(20)]
    for _, writer in lines:
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n")
    await witness.ping()
    for reader, writer in lines:
        async with asyncio.timeout(5):
            with suppress(ConnectionError):
                assert await reader.read() == b""
        writer.transport.abort()


async def test_half_a_frame_is_no_frame(server: mb.Server, witness: Peer) -> None:
    noted: list[object] = []
    server.command("note")(lambda client, x: noted.append(x))
    whole = frame(TEXT, json.dumps(command("note", x=1)).encode())
    for cut in (1, 5, len(whole) // 2, len(whole) - 1):
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(HANDSHAKE + whole[:cut])
        assert b"snapshot" in await reader.readuntil(b"snapshot")
        sock = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
    await until(lambda: len(server.clients) == 1)
    assert noted == []


async def test_a_server_with_callers_that_say_nothing_closes_at_once(serve: Serve) -> None:
    server = await serve()
    _, writer = await asyncio.open_connection("127.0.0.1", server.port)
    await until(lambda: len(server._connections))
    before = asyncio.get_running_loop().time()
    await server.close()
    assert asyncio.get_running_loop().time() - before < 0.5
    writer.transport.abort()


async def test_a_thousand_frames_of_noise(server: mb.Server, witness: Peer) -> None:
    """Good messages with something changed at a random place, and raw noise; the seed is fixed so
    that a failure comes again."""
    chance = random.Random(20)
    server.command("note")(lambda client, **given: None)
    good = [
        json.dumps(one).encode()
        for one in (
            command("note", 3, x=[1, {"a": "b"}]),
            command("drive", left=1, right=2),
            message("ping", {"id": 1}),
            batch(command("note", 1, x=1), command("stop"), message("ping", {})),
            message("auth", {"token": "x"}),
            message("pong", {}),
        )
    ]
    for _ in range(10):
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(HANDSHAKE)
        for _ in range(100):
            data = bytearray(chance.choice(good))
            for _ in range(chance.randrange(1, 4)):
                at = chance.randrange(len(data))
                data[at : at + chance.randrange(3)] = chance.choice(
                    [
                        b"",
                        b'"',
                        b"{",
                        b"}",
                        b"[",
                        b"\\u0000",
                        b"1e400",
                        b"null",
                        b"-",
                        bytes([chance.randrange(32, 127)]),
                    ]
                )
            writer.write(frame(TEXT, bytes(data)))
        writer.write(bytes(chance.randrange(256) for _ in range(200)))
        await asyncio.wait({asyncio.ensure_future(reader.read(10_000_000))}, timeout=1)
        writer.transport.abort()
        await witness.ping()
