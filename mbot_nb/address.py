"""Where a server is: what a user types, as a WebSocket address."""

from __future__ import annotations

import ipaddress
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from .errors import ConnectError

__all__ = ["DEFAULT_HOST", "DEFAULT_PORT", "is_loopback", "normalise", "origin_is_loopback", "with_query", "without_secrets"]

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 4000
_SECURE_PORT = 4443
_HOW = "An address looks like ws://localhost:4000, or 192.168.1.20:4000; without one, `await mb.connect()` starts a server here."


def normalise(address: str) -> str:
    """`ws://host:port/path` out of `localhost`, `:4000`, `192.168.1.20:4000`, `http://...` and the like.

    Raises:
        ConnectError: it is no address.
    """
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
        raise ConnectError(f"{address!r} is no address ({error}). {_HOW}", retryable=False) from None
    scheme = {"http": "ws", "https": "wss"}.get(parts.scheme, parts.scheme)
    if scheme not in ("ws", "wss") or not parts.hostname or " " in text:
        raise ConnectError(f"{address!r} is no address of a WebSocket server. {_HOW}", retryable=False)
    if port is None:
        port = DEFAULT_PORT if scheme == "ws" else _SECURE_PORT
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return urlunsplit((scheme, f"{host}:{port}", parts.path or "/", parts.query, ""))


def with_query(url: str, query: dict[str, str]) -> str:
    """The address with more in its query."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(query=urlencode([*parse_qsl(parts.query), *query.items()])))


def without_secrets(url: str) -> str:
    """The address as it may be shown: without its query."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(query="")).rstrip("/")


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach that host."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def origin_is_loopback(origin: str) -> bool:
    """Whether a web page of this origin was served by this machine."""
    try:
        host = urlsplit(origin).hostname
    except ValueError:
        return False
    return host is not None and is_loopback(host)
