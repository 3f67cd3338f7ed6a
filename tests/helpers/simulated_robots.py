"""A clock that goes when told, and what hears a robot's events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class FakeClock:
    """Seconds that pass only when somebody says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class Ears(list[tuple[str, dict[str, Any]]]):
    """Every event a robot reports, in order."""

    def __call__(self, event: str, data: Mapping[str, Any]) -> None:
        self.append((event, dict(data)))

    def of(self, event: str) -> list[dict[str, Any]]:
        return [data for name, data in self if name == event]
