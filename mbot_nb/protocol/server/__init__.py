"""The server's side of the wire, without a wire: one hub, and one connection object for each
connection."""

from .connection import SERVER_COMMANDS, ConnectionState, ServerConnection
from .hub import MAX_STATE, Hub, encode_event
from .outgoing import Close

__all__ = [
    "MAX_STATE",
    "SERVER_COMMANDS",
    "Close",
    "ConnectionState",
    "Hub",
    "ServerConnection",
    "encode_event",
]
