"""Addresses as they are typed."""

from __future__ import annotations

import pytest

from mbot_nb.address import (
    allowed_origins,
    is_loopback,
    is_wildcard,
    local_host,
    normal_origin,
    normalise,
    origin_is_loopback,
    same_server,
    with_query,
    without_secrets,
)
from mbot_nb.errors import ConnectError, UsageError


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("4000", "ws://127.0.0.1:4000/"),
        (":5000", "ws://127.0.0.1:5000/"),
        ("localhost", "ws://localhost:4000/"),
        ("robot.local:81", "ws://robot.local:81/"),
        ("192.168.1.20", "ws://192.168.1.20:4000/"),
        ("http://robot", "ws://robot:4000/"),
        ("https://robot/ws", "wss://robot:4443/ws"),
        ("wss://robot:1/a/b?x=1", "wss://robot:1/a/b?x=1"),
        ("WS://Robot:4000", "ws://robot:4000/"),
        ("[::1]:4000", "ws://[::1]:4000/"),
        ("  ws://robot:4000  ", "ws://robot:4000/"),
        ("ws://robot:4000/#part", "ws://robot:4000/"),
    ],
)
def test_what_is_meant(typed: str, meant: str) -> None:
    assert normalise(typed) == meant
    assert normalise(meant) == meant


@pytest.mark.parametrize(
    "typed",
    ["", " ", "ftp://x", "ws://", "ws://a b", "ws://x:y", "ws://x:70000", "ws://[x", "usb://1"],
)
def test_what_is_no_address(typed: str) -> None:
    with pytest.raises(ConnectError, match=r"invalid address.*ws://localhost:4000") as caught:
        normalise(typed)
    assert not caught.value.retryable


@pytest.mark.parametrize(
    "typed",
    [
        "ws://x:70000/?token=secret",
        "ws://me:secret@x:70000",
        "ftp://x?token=secret",
        "ftp://me:secret@x",
    ],
)
def test_an_error_does_not_repeat_what_may_be_secret(typed: str) -> None:
    with pytest.raises(ConnectError) as caught:
        normalise(typed)
    assert "secret" not in str(caught.value)


def test_more_in_the_query() -> None:
    assert with_query("ws://x:1/?a=1", {"b": "2 3"}) == "ws://x:1/?a=1&b=2+3"
    assert without_secrets("ws://x:1/?a=1") == "ws://x:1"
    assert without_secrets("ws://x:1/ws?token=t") == "ws://x:1/ws"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("ws://127.0.0.1:1/", "ws://localhost:1/ws?x=1", True),
        ("ws://robot:1/", "ws://robot:1/", True),
        ("ws://robot:1/", "ws://robot:2/", False),
        ("ws://robot:1/", "wss://robot:1/", False),
        ("ws://robot:1/", "ws://127.0.0.1:1/", False),
    ],
)
def test_the_same_server(one: str, other: str, same: bool) -> None:
    assert same_server(one, other) is same


def test_loopback() -> None:
    for host in ("localhost", "a.localhost", "127.0.0.1", "127.8.9.1", "::1", "[::1]"):
        assert is_loopback(host)
    for host in (
        "",
        "0.0.0.0",
        "::",
        "robot",
        "192.168.1.1",
        "localhost.example",
        "127.0.0.1.example",
    ):
        assert not is_loopback(host)
    assert origin_is_loopback("http://localhost:8888")
    for origin in ("", "null", "http://[x", "http://localhost.example", "http://evil/localhost"):
        assert not origin_is_loopback(origin)


@pytest.mark.parametrize(
    ("written", "origin"),
    [
        ("https://x.org", "https://x.org"),
        ("https://x.org/", "https://x.org"),
        ("HTTPS://X.Org:443", "https://x.org"),
        ("http://x.org:80/", "http://x.org"),
        ("http://x.org:443", "http://x.org:443"),
        ("http://[::1]:3000", "http://[::1]:3000"),
        ("https://schüler.example", "https://xn--schler-5ya.example"),
        ("capacitor://localhost", "capacitor://localhost"),
        ("null", "null"),
        ("", None),
        ("x.org", None),
        ("localhost:3000", None),
        ("https://", None),
        ("https://x.org/page", None),
        ("https://x.org?a", None),
        ("https://me@x.org", None),
        ("https://x.org:99999", None),
        ("http://[x", None),
    ],
)
def test_an_origin_has_one_spelling(written: str, origin: str | None) -> None:
    assert normal_origin(written) == origin


def test_pages_that_may_connect() -> None:
    assert allowed_origins("https://x.org/") == {"https://x.org"}
    assert allowed_origins(["https://x.org", " http://Y:8080 "]) == {
        "https://x.org",
        "http://y:8080",
    }
    assert allowed_origins(()) == frozenset()
    for wrong in ("x.org", ["https://x.org", "*"], "https://*.x.org", [1]):
        with pytest.raises(
            UsageError,
            match=r"invalid origin in .* would never match a web page\. Write each page's scheme",
        ):
            allowed_origins(wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("host", "wildcard", "local"),
    [
        ("", True, "127.0.0.1"),
        ("0.0.0.0", True, "127.0.0.1"),
        ("::", True, "::1"),
        ("::1", False, "::1"),
        ("192.168.1.20", False, "192.168.1.20"),
        ("localhost", False, "localhost"),
    ],
)
def test_how_this_machine_reaches_a_server_that_listens_there(
    host: str, wildcard: bool, local: str
) -> None:
    assert is_wildcard(host) is wildcard
    assert local_host(host) == local
