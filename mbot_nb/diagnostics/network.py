"""Port 4000, this machine's own network, proxies, firewalls."""

from __future__ import annotations

import os
import re
import socket
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from ..address import DEFAULT_HOST, DEFAULT_PORT
from ..local import instances
from .findings import Check

__all__ = ["checks", "firewall", "loopback", "proxy", "usual_port"]

PROBE_TIMEOUT = 0.5
UFW = Path("/etc/ufw/ufw.conf")
_SERVER = b"mbot_nb"


def checks() -> Iterator[Check]:
    """All of this module."""
    yield usual_port(DEFAULT_PORT)
    yield loopback()
    yield proxy(
        urllib.request.getproxies(), bypassed=bool(urllib.request.proxy_bypass("127.0.0.1"))
    )
    yield firewall(UFW)


def usual_port(port: int) -> Check:
    """Whether servers may have their usual port."""
    subject = f"port {port}"
    with socket.socket() as probe:
        if os.name == "posix":
            # One that was closed a moment ago is free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((DEFAULT_HOST, port))
        except OSError as error:
            taken = error
        else:
            return Check.good(subject, "free: `await mb.serve()` can have it")
    for entry in instances.running("server"):
        if urlsplit(entry.address).port == port:
            whose = (
                "of this notebook"
                if entry.pid == os.getpid()
                else f"of another notebook or program (process {entry.pid})"
            )
            return Check.good(
                subject, f"has a server {whose}, with {entry.name}: `await mb.connect()`"
            )
    found = f"taken by another program ({taken.strerror})"
    return Check.warning(
        subject,
        found,
        "`await mb.serve(port=0)` takes any free one; `await mb.connect()` does so by itself",
    )


def loopback() -> Check:
    """Whether a program of this machine reaches another one over the network inside it."""
    subject = "network inside"
    try:
        with socket.create_server((DEFAULT_HOST, 0)) as server:
            address = server.getsockname()
            with socket.create_connection(address, timeout=PROBE_TIMEOUT) as client:
                server.settimeout(PROBE_TIMEOUT)
                other, _ = server.accept()
                with other:
                    other.sendall(_SERVER)
                    found = client.recv(len(_SERVER))
    except OSError as error:
        remedy = (
            "a firewall or security program stands between Python and itself: allow Python "
            "connections to 127.0.0.1"
        )
        return Check.bad(
            subject, f"a connection from this machine to itself failed: {error}", remedy
        )
    if found != _SERVER:
        return Check.bad(
            subject,
            "something changed what was sent to 127.0.0.1",
            "allow Python connections to 127.0.0.1",
        )
    return Check.good(subject, "this machine reaches itself")


def proxy(proxies: Mapping[str, str], *, bypassed: bool) -> Check:
    """Whether a proxy is to be asked for addresses of this machine."""
    chosen = {
        scheme: url
        for scheme, url in proxies.items()
        if scheme in ("http", "https", "all", "socks", "ws", "wss")
    }
    if not chosen:
        return Check.good("proxy", "none is set")
    found = ", ".join(sorted({_without_password(url) for url in chosen.values()}))
    if bypassed:
        return Check.good("proxy", f"{found}; not for this machine's own addresses")
    line = (
        "setx NO_PROXY localhost,127.0.0.1"
        if sys.platform == "win32"
        else "export no_proxy=localhost,127.0.0.1"
    )
    return Check.warning(
        "proxy",
        f"{found} is also asked for this machine's own addresses: mbot_nb goes past it, a browser "
        "or JupyterLab may not",
        f"`{line}`, then start JupyterLab anew",
    )


def firewall(ufw: Path) -> Check:
    """What may keep others in the network from a server here, as far as a user can see."""
    allow = f"`sudo ufw allow {DEFAULT_PORT}/tcp`"
    try:
        on = bool(re.search(r"^ENABLED=yes", ufw.read_text(encoding="utf-8"), re.MULTILINE))
    except OSError:
        on = False
    if on:
        return Check.warning(
            "firewall",
            "ufw is on: others in the network cannot reach a server here",
            f"if they should: {allow}",
        )
    if sys.platform in ("win32", "darwin"):
        return Check.good(
            "firewall",
            "asks by itself when a server is started for others; this machine's own are never kept "
            "out",
        )
    return Check.good("firewall", "none was seen; this machine's own connections are not kept out")


def _without_password(url: str) -> str:
    parts = urlsplit(url if "://" in url else f"http://{url}")
    return f"{parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}"
