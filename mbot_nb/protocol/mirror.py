"""The robot's state on both sides: the server's revisions of it, and the client's mirror
(I-WS-V2-001)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .codec import clean

__all__ = ["META", "Mirror", "StateStore", "changed_fields"]

META = frozenset(
    {
        "snapshot",
        "delta",
        "revision",
        "metadata",
        "epoch",
        "reconnected",
        "lastSequence",
        "firstSequence",
        "skipped",
    }
)
"""What stands beside the sections in a snapshot."""

_ABSENT = object()
Sections = dict[str, Any]


class StateStore:
    """The server's side: the newest state, its revision, and what changed to get there."""

    def __init__(self, state: Mapping[str, Any]) -> None:
        self.revision = 1
        self.state = _sections(state)

    def update(self, state: Mapping[str, Any]) -> dict[str, Any] | None:
        """Take the newest state; returns the payload that tells of the change, or None if nothing
        changed.

        That is a delta; or the snapshot, where a section changed that no path can name, for its
        name has a dot.
        """
        new = _sections(state)
        old, self.state = self.state, new
        differing = [
            name
            for name in dict.fromkeys((*old, *new))
            if not _same(old.get(name, _ABSENT), new.get(name, _ABSENT))
        ]
        if not differing:
            return None
        self.revision += 1
        if any("." in name for name in differing):
            return self.snapshot()
        changes = [
            change
            for name in differing
            for change in _changes(name, old.get(name, _ABSENT), new.get(name, _ABSENT))
        ]
        if len(changes) == 1:
            return {"delta": True, **changes[0], "revision": self.revision}
        return {"delta": True, "changes": changes, "revision": self.revision}

    def snapshot(self) -> dict[str, Any]:
        """The snapshot's payload."""
        return {**self.state, "snapshot": True, "revision": self.revision}


def _sections(state: Mapping[str, Any]) -> Sections:
    """A state as it can be told: finite, and without sections that are called like what stands
    beside them."""
    return {name: value for name, value in clean(state).items() if name not in META}


def _changes(name: str, before: Any, after: Any) -> list[dict[str, Any]]:
    """How a section changed: field by field where that can be said."""
    if not (isinstance(before, dict) and isinstance(after, dict)):
        return [_change(name, before, after)]
    keys = [
        key
        for key in dict.fromkeys((*before, *after))
        if not _same(before.get(key, _ABSENT), after.get(key, _ABSENT))
    ]
    if any("." in key for key in keys):
        return [_change(name, before, after)]
    return [
        _change(f"{name}.{key}", before.get(key, _ABSENT), after.get(key, _ABSENT)) for key in keys
    ]


def _change(field: str, before: Any, after: Any) -> dict[str, Any]:
    change: dict[str, Any] = {"field": field}
    if after is not _ABSENT:
        change["value"] = after
    if before is not _ABSENT:
        change["previous"] = before
    return change


def changed_fields(payload: Mapping[str, Any]) -> list[str]:
    """The fields that a payload changes: those of an applied delta, such as `pose.x`, or all
    sections of a snapshot."""
    if payload.get("delta") is not True:
        return [name for name in payload if name not in META]
    return [change["field"] for change in payload.get("changes", [payload])]


def _same(a: Any, b: Any) -> bool:
    """Equal as JSON: 1 and 1.0 are, 1 and true are not."""
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(_same(value, b[key]) for key, value in a.items())
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
        return len(a) == len(b) and all(map(_same, a, b))
    return bool(a == b)


class Mirror:
    """The client's side. A state is never changed in place: who has read one keeps it whole."""

    HELD = 1024
    """Deltas kept while a snapshot is on its way; it makes the older ones unnecessary anyway."""

    def __init__(self, resync_repeat: float) -> None:
        self.state: Sections = {}
        self.revision: int | None = None
        self.updated_at: float | None = None
        self._repeat = resync_repeat
        self._held: list[Mapping[str, Any]] = []
        self.resync_due: float | None = None
        """When to ask for a snapshot (again); None while the mirror follows."""

    def snapshot(self, payload: Mapping[str, Any], now: float) -> None:
        """Replace the whole state, then apply the deltas held above it."""
        self.state = {key: value for key, value in payload.items() if key not in META}
        revision = payload.get("revision")
        self.revision = revision if type(revision) is int else None
        self.updated_at = now
        self.resync_due = None
        held, self._held = self._held, []
        for delta in held:
            self.delta(delta, now)
        if self.resync_due is not None:
            # It did not close the gap: ask again, but not in a circle.
            self.resync_due = now + self._repeat

    def delta(self, payload: Mapping[str, Any], now: float) -> bool:
        """Apply one delta, whole or not at all; False if it was old, held, or the mirror must ask
        for a snapshot."""
        revision = payload.get("revision")
        if type(revision) is not int:
            self._ask(now)
            return False
        if self.revision is not None and revision <= self.revision:
            return False
        follows = (
            self.resync_due is None and self.revision is not None and revision == self.revision + 1
        )
        changed = self._apply(payload) if follows else None
        if changed is None:
            self._ask(now)
            self._held.append(payload)
            del self._held[: -self.HELD]
            return False
        self.state = changed
        self.revision = revision
        self.updated_at = now
        return True

    def note_request(self, now: float) -> None:
        """Note that a snapshot was asked for; one request is out at a time."""
        self.resync_due = now + self._repeat

    def forget_request(self) -> None:
        """The connection is gone, and the request with it."""
        self.resync_due = None
        self._held.clear()

    def _ask(self, now: float) -> None:
        if self.resync_due is None:
            self.resync_due = now

    def _apply(self, payload: Mapping[str, Any]) -> Sections | None:
        """The state after the delta, or None where it does not fit."""
        changes = payload.get("changes", [payload])
        if not isinstance(changes, list):
            return None
        state = dict(self.state)
        copied: set[str] = set()
        for change in changes:
            field = change.get("field") if isinstance(change, Mapping) else None
            if not isinstance(field, str):
                return None
            section, dot, key = field.partition(".")
            if not dot:
                target, key = state, field
            else:
                inside = state.get(section)
                if not isinstance(inside, dict):
                    return None
                if section not in copied:
                    state[section] = inside = dict(inside)
                    copied.add(section)
                target = inside
            if not _same(target.get(key, _ABSENT), change.get("previous", _ABSENT)):
                return None
            if not dot:
                copied.discard(field)
            if "value" in change:
                target[key] = change["value"]
            else:
                target.pop(key, None)
        return state
