"""The server without `await`."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Any

from ..loops.blocking import wait
from ..protocol.server.tap import Tap
from ..robot import Robot
from . import RemoteClient, Server

__all__ = ["SyncServer"]


class SyncServer:
    """A server without `await`, on the I/O thread. Made by :func:`mbot_nb.sync.serve`."""

    def __init__(self, server: Server) -> None:
        self.server = server
        """The server underneath."""

    def __repr__(self) -> str:
        return repr(self.server)

    def _repr_html_(self) -> str:
        return self.server._repr_html_()

    def __enter__(self) -> SyncServer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def url(self) -> str:
        """Where clients connect to."""
        return self.server.url

    @property
    def network_url(self) -> str:
        """Where clients on other machines of the network connect to, if it listens to them."""
        return self.server.network_url

    @property
    def uptime(self) -> float:
        """Seconds since it was made."""
        return self.server.uptime

    @property
    def state(self) -> dict[str, Any]:
        """The robot's state as the clients know it."""
        return self.server.state

    @property
    def revision(self) -> int:
        """The number of the state's last change."""
        return self.server.revision

    @property
    def closed(self) -> bool:
        """Whether it has ended."""
        return self.server.closed

    @property
    def robot(self) -> Robot:
        """The robot it serves."""
        return self.server.robot

    @property
    def token(self) -> str | None:
        """What clients must show, None if anybody on this machine may connect."""
        return self.server.token

    @property
    def clients(self) -> list[RemoteClient]:
        """The clients that are connected now."""
        return self.server.clients

    def command(self, name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Register a handler for a command; it runs on the I/O thread. See
        :meth:`mbot_nb.Server.command`."""
        return self.server.command(name)

    def remove_command(self, name: str) -> None:
        """Remove the handler of a command, if there is one."""
        self.server.remove_command(name)

    def on_connect(self, hook: Callable[..., Any]) -> Callable[..., Any]:
        """Call ``hook(client)`` when a client has got its snapshot."""
        return self.server.on_connect(hook)

    def on_disconnect(self, hook: Callable[..., Any]) -> Callable[..., Any]:
        """Call ``hook(client, reason)`` when a client's connection has ended."""
        return self.server.on_disconnect(hook)

    def on_message(self, hook: Callable[..., Any]) -> Callable[..., Any]:
        """Call ``hook(client, command, params)`` for every command, before its handler."""
        return self.server.on_message(hook)

    def emit(self, event: str, data: Any = None) -> None:
        """Send an event to every client."""
        self.server.emit(event, data)

    def tap(self, tap: Tap) -> Callable[[], None]:
        """Call ``tap`` with all that happens, on the I/O thread; returns what ends it. See
        :meth:`mbot_nb.Server.tap`."""
        return self.server.tap(tap)

    def close(self, *, keep_robot: bool = False) -> None:
        """Stop the robot, say goodbye to the clients, free the port. See
        :meth:`mbot_nb.Server.close`."""
        wait(self.server.close(keep_robot=keep_robot), self.server.home)
