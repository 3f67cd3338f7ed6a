"""The fixtures of the robots on a cable, for the emulators at its other end."""

from __future__ import annotations

from ..serial.conftest import clock, mbot, mbot2, own_config_folder, own_runtime_folder, workshop

__all__ = ["clock", "mbot", "mbot2", "own_config_folder", "own_runtime_folder", "workshop"]
