"""Where a server is: what a user types, as a WebSocket address."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from .errors import ConnectError, UsageError

__all__ = [
    "DEFAULT_HOST",
    "DEFAULT_PORT",
    "allowed_origins",
    "default_port",
    "is_loopback",
    "is_wildcard",
    "local_host",
    "normal_origin",
    "normalise",
    "origin_is_loopback",
    "same_server",
    "with_query",
    "without_secrets",
]

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 4000
_SECURE_PORT = 4443
_USUAL_PORTS = {"http": 80, "https": 443}
_HOW = (
    "An address looks like ws://localhost:4000, or 192.168.1.20:4000; without one, `await "
    "mb.connect()` starts a server here."
)


def normalise(address: str) -> str:
    """`ws://host:port/path` out of `localhost`, `:4000`, `192.168.1.20:4000`, `http://...` and the
    like.

    Raises:
        ConnectError: the address is invalid.
    """
    if not isinstance(address, str):
        raise ConnectError(
            f"invalid address: expected text, not {type(address).__name__}. {_HOW}", retryable=False
        )
    text = address.strip()
    if text.isdigit():
        text = f":{text}"
    if text.startswith(":"):
        text = f"{DEFAULT_HOST}{text}"
    if "://" not in text:
        text = f"ws://{text}"
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise ConnectError(
            f"invalid address: {_shown(address)} ({error}). {_HOW}", retryable=False
        ) from None
    scheme = {"http": "ws", "https": "wss"}.get(parts.scheme, parts.scheme)
    if scheme not in ("ws", "wss") or not parts.hostname or " " in text:
        raise ConnectError(
            f"invalid address: {_shown(address)} names no WebSocket server. {_HOW}", retryable=False
        )
    if port is None:
        port = default_port(scheme == "wss")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return urlunsplit((scheme, f"{host}:{port}", parts.path or "/", parts.query, ""))


def default_port(secure: bool) -> int:
    """The usual port of a server, for itself and for its clients; `wss` has a port of its own."""
    return _SECURE_PORT if secure else DEFAULT_PORT


def with_query(url: str, query: dict[str, str]) -> str:
    """The address with more in its query."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(query=urlencode([*parse_qsl(parts.query), *query.items()])))


def without_secrets(url: str) -> str:
    """The address as it may be shown: without its query."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(query="")).rstrip("/")


def _shown(address: str) -> str:
    """What was typed, without a query or a password, which may be secret."""
    text = address.partition("?")[0]
    scheme, slashes, rest = text.rpartition("://")
    return repr(f"{scheme}{slashes}{rest.rpartition('@')[2]}")


def same_server(one: str, other: str) -> bool:
    """Whether two WebSocket addresses lead to the same server, whatever their paths."""
    first, second = urlsplit(one), urlsplit(other)
    if (first.scheme, first.port) != (second.scheme, second.port):
        return False
    hosts = {
        "localhost" if is_loopback(host) else host
        for host in (first.hostname or "", second.hostname or "")
    }
    return len(hosts) == 1


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach that host."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def is_wildcard(host: str) -> bool:
    """Whether a server that listens at that host listens at all addresses of its machine."""
    return host in ("", "0.0.0.0", "::")


def local_host(host: str) -> str:
    """The host by which this machine reaches a server that listens at ``host``."""
    if not is_wildcard(host):
        return host
    return "::1" if host == "::" else DEFAULT_HOST


def origin_is_loopback(origin: str) -> bool:
    """Whether a web page of this origin was served by this machine."""
    try:
        host = urlsplit(origin).hostname
    except ValueError:
        return False
    return host is not None and is_loopback(host)


def normal_origin(origin: str) -> str | None:
    """An origin as browsers write it, ``https://example.org``: small letters, no usual port, no
    slash. None for what is none."""
    if origin == "null":
        return origin
    try:
        parts = urlsplit(origin)
        port = parts.port
        host = parts.hostname or ""
        host = host.encode("ascii" if ":" in host else "idna").decode()
    except (ValueError, UnicodeError):
        return None
    has_more = "@" in parts.netloc or parts.path not in ("", "/") or parts.query or parts.fragment
    if not parts.scheme or not host or has_more:
        return None
    shown = f"[{host}]" if ":" in host else host
    shown_port = "" if port in (None, _USUAL_PORTS.get(parts.scheme)) else f":{port}"
    return f"{parts.scheme}://{shown}{shown_port}"


def allowed_origins(origins: str | Iterable[str]) -> frozenset[str]:
    """The web pages that a server may be told to let in, as browsers name them; one alone needs no
    list.

    Raises:
        UsageError: one of them is not an origin.
    """
    found = set()
    for origin in [origins] if isinstance(origins, str) else origins:
        normal = normal_origin(str(origin).strip())
        if normal is None or "*" in normal:
            raise UsageError(
                f"invalid origin in allow_origins: {origin!r} would never match a web page. Write "
                "each page's scheme, host and, if it has one, port, as in "
                'allow_origins=["https://example.org", "http://192.168.1.20:8080"].'
            )
        found.add(normal)
    return frozenset(found)
