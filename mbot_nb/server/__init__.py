"""The embedded server: any number of clients, one robot, on the loop that it was started on.

Modules:

    server          `Server`: listening and closing, handlers and hooks, what the robot reports
    access          who may open a connection: answers plain requests, refuses foreign Origins
    connections     all connections: who comes, who goes; and each with its WebSocket and its timer
    clients         the clients as the server's user sees them
    execution       carries commands out: handlers and hooks, else the robot; stops
    robot_reader    reads the robot's state and telemetry in a form that clients can read
    event_payload   the events that a server's user and its robot send
    listen_errors   why a server cannot listen at an address, and what to do about it
    sync            `SyncServer`, the same without `await`
"""

from __future__ import annotations

from .clients import RemoteClient
from .server import Server

__all__ = ["RemoteClient", "Server"]
