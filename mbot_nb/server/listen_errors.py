"""Why a server cannot listen at an address, and what to do about it."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
from contextlib import suppress

from ..address import is_wildcard, local_host
from ..errors import AddressInUseError, MbotError, UsageError

__all__ = ["listen_error", "network_address"]

_log = logging.getLogger("mbot_nb")

PROBE_TIMEOUT = 0.5
_ANY_PORT = "`await mb.serve(port=0)` takes any free one (see server.url)"


async def listen_error(host: str, port: int, error: Exception) -> MbotError | None:
    """The error to raise instead of the system's; None if the address has nothing to do with it."""
    if isinstance(error, OverflowError):
        return UsageError(f"invalid port: {port} (use 1 to 65535, or 0 for any free one)")
    if isinstance(error, (socket.gaierror, UnicodeError)) or (
        isinstance(error, OSError) and error.errno == errno.EADDRNOTAVAIL
    ):
        return UsageError(
            f"This machine has no address {host!r} to listen on ({error}). Leave `host` out for "
            'this machine alone, or give host="0.0.0.0" for everybody in the network.'
        )
    if not isinstance(error, OSError):
        return None
    if error.errno == errno.EACCES:
        return AddressInUseError(
            f"Port {port} may not be used by you (ports below 1024 belong to the system). "
            f"{_ANY_PORT}."
        )
    if error.errno == errno.EADDRINUSE or "in use" in str(error):
        return AddressInUseError(
            f"Port {port} is taken by {await _holder(host, port)}. {_ANY_PORT}; or shut the other "
            "one down (in JupyterLab: Running Terminals and Kernels), then run this cell again."
        )
    return None


async def _holder(host: str, port: int) -> str:
    """Who listens there."""
    answer = b""
    try:
        async with asyncio.timeout(PROBE_TIMEOUT):
            reader, writer = await asyncio.open_connection(local_host(host), port)
            try:
                writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
                answer = await reader.read(2048)
            finally:
                writer.transport.abort()
    except (OSError, TimeoutError) as error:
        _log.debug("the holder of port %d did not say who it is: %s", port, error)
    return (
        "another mbot_nb server, perhaps of another notebook that is still open"
        if b"mbot_nb" in answer
        else "another program"
    )


def network_address(host: str) -> str:
    """The address under which others in the network reach this machine, if it listens on all of its
    addresses."""
    if not is_wildcard(host):
        return host
    # Nothing is sent: connecting a datagram socket only asks the system which way it would go.
    with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        sock.connect(("192.0.2.1", 9))
        found: str = sock.getsockname()[0]
        return found
    return socket.gethostname()
