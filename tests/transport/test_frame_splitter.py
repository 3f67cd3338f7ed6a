"""A stream is taken apart at the right places, and nothing of it is changed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import BINARY, CLOSE, CONT, PING, TEXT, Frame, Opcode

from mbot_nb.transport.frame_splitter import FrameSplitter, Kind

REQUEST = (
    b"GET / HTTP/1.1\r\nHost: relay\r\nUpgrade: websocket\r\nSec-WebSocket-Extensions: "
    b"permessage-deflate\r\n\r\n"
)
ANSWER = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"

Pieces = list[tuple[Kind, bytes]]


def frame(opcode: Opcode, data: bytes = b"", *, fin: bool = True, masked: bool = True) -> bytes:
    return Frame(opcode, data, fin).serialize(mask=masked)


def split(chunks: list[bytes], *, masked: bool = True) -> Pieces:
    pieces: Pieces = []
    splitter = FrameSplitter(lambda kind, data: pieces.append((kind, data)), masked=masked)
    for chunk in chunks:
        splitter.feed(chunk)
    splitter.finish()
    return pieces


@st.composite
def messages(draw: st.DrawFn) -> list[tuple[Kind, bytes]]:
    """Whole messages and control frames, as a server writes them."""
    pieces: Pieces = []
    for _ in range(draw(st.integers(0, 6))):
        data = draw(st.binary(max_size=300))
        match draw(st.sampled_from(["text", "binary", "ping", "fragments"])):
            case "text":
                pieces.append(("text", frame(TEXT, data, masked=False)))
            case "binary":
                pieces.append(("binary", frame(BINARY, data, masked=False)))
            case "ping":
                pieces.append(("control", frame(PING, data[:125], masked=False)))
            case _:
                parts = frame(TEXT, data, fin=False, masked=False), frame(CONT, data, masked=False)
                pieces.append(("text", b"".join(parts)))
    return pieces


@given(messages(), st.randoms(use_true_random=False))
def test_messages_come_out_whole_however_the_bytes_arrive(pieces: Pieces, luck: object) -> None:
    stream = ANSWER + b"".join(data for _, data in pieces)
    chunks = []
    while stream:
        cut = luck.randint(1, 40)  # type: ignore[attr-defined]
        chunks.append(stream[:cut])
        stream = stream[cut:]
    assert split(chunks, masked=False) == [("handshake", ANSWER), *pieces]


def test_a_control_frame_does_not_wait_for_the_message_it_stands_in() -> None:
    first, ping, last = frame(TEXT, b"half", fin=False), frame(PING), frame(CONT, b"rest")
    assert split([REQUEST, first, ping, last])[1:] == [("control", ping), ("text", first + last)]


def test_a_close_is_known_as_one() -> None:
    close = frame(CLOSE, b"\x03\xe8")
    assert split([REQUEST + close])[1:] == [("close", close)]


@given(st.lists(st.binary(min_size=1, max_size=100), max_size=10))
def test_what_is_no_websocket_passes_unchanged(chunks: list[bytes]) -> None:
    assert b"".join(data for _, data in split(chunks)) == b"".join(chunks)


@given(st.lists(st.binary(min_size=1, max_size=100), max_size=10))
def test_broken_frames_pass_unchanged(chunks: list[bytes]) -> None:
    pieces = split([REQUEST, *chunks])
    assert pieces[0] == ("handshake", REQUEST)
    assert b"".join(data for _, data in pieces[1:]) == b"".join(chunks)


def test_a_refused_handshake_is_followed_by_plain_bytes() -> None:
    refusal, body = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 3\r\n\r\n", b"no\n"
    assert split([refusal + body], masked=False) == [("handshake", refusal), ("bytes", body)]


def test_a_head_that_never_ends_passes_too() -> None:
    chunks = [b"GET / HTTP/1.1\r\n", *[b"X-Long: " + b"x" * 1000 + b"\r\n"] * 100]
    assert b"".join(data for _, data in split(chunks)) == b"".join(chunks)
    chunks = [b"x" * 100_000]
    assert b"".join(data for _, data in split(chunks)) == b"".join(chunks)
