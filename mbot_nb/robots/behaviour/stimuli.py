"""Finds stimuli in sensor values: something ahead, a bump, a bang, the line lost, a button."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["APART", "BANG", "OBSTACLE", "Stimuli"]

OBSTACLE = 15.0
"""Something nearer ahead than this (cm) is noticed; again only after it was 5 cm farther."""
BUMP = 5.0
"""Nearer than this (cm) while driving forward is a bump: the sensor sees nothing below 3 cm."""
APART = 5.0
"""How much farther (cm) something must be before it is noticed once more."""
BANG = 20.0
"""A sound that is louder by this (percent) than the one before is noticed."""


class Stimuli:
    """Takes sensor values; calls ``on_event(event, data)`` for each stimulus and button."""

    def __init__(self, on_event: Callable[[str, dict[str, Any]], None]) -> None:
        self._on_event = on_event
        self._near = False
        self._bumped = False
        self._sound: float | None = None
        self._on_line: bool | None = None
        self._buttons: dict[str, bool] = {}

    def update(
        self, values: Mapping[str, Any], *, moving: bool, forward: bool, sounding: bool = False
    ) -> None:
        """New values by the names of the telemetry."""
        if "distance" in values:
            self._ahead(float(values["distance"]), forward)
        if "sound" in values:
            self._check_sound(float(values["sound"]), sounding)
        if "line" in values:
            on_line = bool(values["line"])
            if self._on_line and not on_line and moving:
                self._report_stimulus("line_lost", 0.3)
            self._on_line = on_line
        for name, value in values.items():
            if name.startswith("button_"):
                self._button(name.removeprefix("button_"), bool(value))

    def _ahead(self, distance: float, forward: bool) -> None:
        if not self._near and distance < OBSTACLE:
            self._near = True
            strength = 1 - distance / (2 * OBSTACLE)
            self._report_stimulus("obstacle", strength, distance=round(distance, 1))
        elif self._near and distance > OBSTACLE + APART:
            self._near = False
        if not self._bumped and forward and distance < BUMP:
            self._bumped = True
            self._report_stimulus("bump", 0.8, side="front")
        elif self._bumped and distance > BUMP + APART:
            self._bumped = False

    def _check_sound(self, sound: float, sounding: bool) -> None:
        before, self._sound = self._sound, sound
        if not sounding and before is not None and sound >= before + BANG:
            strength = min(1.0, (sound - before) / 100)
            self._report_stimulus("sound", strength, loudness=round(sound, 1))

    def _button(self, name: str, pressed: bool) -> None:
        before = self._buttons.get(name, False)
        self._buttons[name] = pressed
        if pressed != before:
            self._on_event("button", {"button": name, "pressed": pressed})

    def _report_stimulus(self, what: str, strength: float, **more: Any) -> None:
        self._on_event("stimulus_detected", {"type": what, "strength": round(strength, 3), **more})
