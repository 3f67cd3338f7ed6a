"""Servers and clients on free ports, closed when the test is over."""

from tests.helpers.connections import (
    bot,
    certificate,
    connect,
    free_port,
    robot,
    serve,
    server,
    stack,
)

__all__ = ["bot", "certificate", "connect", "free_port", "robot", "serve", "server", "stack"]
