"""The server's side of the wire, without a wire: one hub, and one object for each connection.

Modules:

    connection       `ServerConnection`: what arrives on one connection, in order, each once
    authentication   the wait for a connection's token
    outgoing         what goes out on a connection: events, the latest state, acknowledgements
    throttle         what a client sent faster than it may, kept until it is its turn
    hub              what all connections share: the state, its revisions, the sessions
    sessions         what is remembered of a client across its connections
    events           what happens at a server, for observers: one class for each kind of event
"""

from .connection import SERVER_COMMANDS, ServerConnection
from .hub import MAX_STATE, Hub, encode_event
from .outgoing import Close

__all__ = [
    "MAX_STATE",
    "SERVER_COMMANDS",
    "Close",
    "Hub",
    "ServerConnection",
    "encode_event",
]
