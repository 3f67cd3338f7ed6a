"""The server without `await`."""

from __future__ import annotations

from ..loops.blocking import Blocking, Passed, waiting
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

    command = Passed(Server, lambda server: server.command)
    remove_command = Passed(Server, lambda server: server.remove_command)
    on_connect = Passed(Server, lambda server: server.on_connect)
    on_disconnect = Passed(Server, lambda server: server.on_disconnect)
    on_message = Passed(Server, lambda server: server.on_message)
    emit = Passed(Server, lambda server: server.emit)
    tap = Passed(Server, lambda server: server.tap)

    url = Passed(Server, lambda server: server.url)
    network_url = Passed(Server, lambda server: server.network_url)
    token = Passed(Server, lambda server: server.token)
    clients = Passed(Server, lambda server: server.clients)
    state = Passed(Server, lambda server: server.state)
    revision = Passed(Server, lambda server: server.revision)
    uptime = Passed(Server, lambda server: server.uptime)
    closed = Passed(Server, lambda server: server.closed)
