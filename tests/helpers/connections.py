"""Servers and clients on free ports of this machine, closed when the test is over."""

from __future__ import annotations

import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import trustme

import mbot_nb as mb

from .tiny_robot import TinyRobot

Serve = Callable[..., Awaitable[mb.Server]]
Connect = Callable[..., Awaitable[mb.Client]]


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


@pytest.fixture
def serve(stack: AsyncExitStack) -> Serve:
    """Start a server, with a tiny robot unless another is given."""

    async def serve(robot: mb.Robot | None = None, **options: Any) -> mb.Server:
        server = await mb.serve(
            robot if robot is not None else TinyRobot(), **{"port": 0, **options}
        )
        stack.push_async_callback(server.close)
        return server

    return serve


@pytest.fixture
def connect(stack: AsyncExitStack) -> Connect:
    async def connect(address: Any, **options: Any) -> mb.Client:
        bot = await mb.connect(address, **options)
        stack.push_async_callback(bot.close)
        return bot

    return connect


@pytest.fixture
async def server(serve: Serve) -> mb.Server:
    return await serve()


@pytest.fixture
def robot(server: mb.Server) -> TinyRobot:
    assert isinstance(server.robot, TinyRobot)
    return server.robot


@pytest.fixture
async def bot(server: mb.Server, connect: Connect) -> mb.Client:
    return await connect(server)


def unused_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


@pytest.fixture
def free_port() -> int:
    return unused_port()


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[ssl.SSLContext, str]:
    """A server's context with a certificate made just now, and the file with which a client can
    trust it."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)
    pem = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(pem))
    return context, str(pem)


Through = Callable[..., Awaitable[mb.Client]]
