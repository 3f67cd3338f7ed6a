"""The server without `await`."""

from __future__ import annotations

from ..loops.blocking import Blocking, Delegated, waiting
from ..robot import Robot
from .server import Server

__all__ = ["SyncServer"]


class SyncServer(Blocking[Server]):
    """A server without `await`, on the I/O thread. Made by :func:`mbot_nb.sync.serve`."""

    def __init__(self, server: Server) -> None:
        super().__init__(server)
        self.server = server
        """The server underneath."""

    @property
    def robot(self) -> Robot:
        """The robot it serves."""
        return self.server.robot

    close = waiting(Server.close)

    command = Delegated(Server, lambda server: server.command)
    remove_command = Delegated(Server, lambda server: server.remove_command)
    on_connect = Delegated(Server, lambda server: server.on_connect)
    on_disconnect = Delegated(Server, lambda server: server.on_disconnect)
    on_message = Delegated(Server, lambda server: server.on_message)
    emit = Delegated(Server, lambda server: server.emit)
    tap = Delegated(Server, lambda server: server.tap)

    url = Delegated(Server, lambda server: server.url)
    network_url = Delegated(Server, lambda server: server.network_url)
    token = Delegated(Server, lambda server: server.token)
    clients = Delegated(Server, lambda server: server.clients)
    state = Delegated(Server, lambda server: server.state)
    revision = Delegated(Server, lambda server: server.revision)
    uptime = Delegated(Server, lambda server: server.uptime)
    closed = Delegated(Server, lambda server: server.closed)
