"""The client's side of the wire, without a wire: texts and times in, texts and events out.

Modules:

    session         `ClientSession`: one client's conversation with one server
    states          the states of a session, and what leads from one to another
    events          what a session reports: one class for each kind
    outbox          commands sent or about to be sent, until their outcome is known
    pending         commands under way: each is settled once
    stop_commands   stops, which overtake everything and are sent until they are answered
"""

from .session import ClientSession
from .states import ClientState

__all__ = ["ClientSession", "ClientState"]
