"""The floor under a robot as the page gets it: copied from the state only when it has changed,
since it is large."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..state import StateView

if TYPE_CHECKING:
    from ..client import Client, StateChanged

__all__ = ["ArenaState"]


class ArenaState:
    """The section ``arena`` of one client's state, as plain data."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._copy: dict[str, Any] | None = None
        self._is_new = True

    def on_state_changed(self, event: StateChanged) -> None:
        """The state has changed: remember whether the arena has."""
        payload = event.payload
        changes = payload.get("changes") or [payload]
        if event.kind == "snapshot" or any(
            str(change.get("field")).startswith("arena") for change in changes
        ):
            self._is_new = True

    def data(self) -> dict[str, Any] | None:
        """The arena as it is now; the same object until it changes. None if the robot knows
        none."""
        if self._is_new:
            self._is_new = False
            arena = self._client.state.get("arena")
            self._copy = arena.to_dict() if isinstance(arena, StateView) else None
        return self._copy
