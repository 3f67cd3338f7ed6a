"""The client's side of the wire, without a wire: texts and times in, texts, happenings and the next
deadline out."""

from .session import ClientSession
from .states import TRANSITIONS, ClientCounters, State

__all__ = ["TRANSITIONS", "ClientCounters", "ClientSession", "State"]
