"""The robot's inner state: four numbers and a mode, driven by what it meets and its personality.

A simple model of our own. Every number lives in [0, 1] and goes exponentially towards a target that
the present moment sets; something sudden throws it off at once. Each number of the personality has
one work to do:

    tension     target: tension_baseline, up to half of what is left to 1 more when something
                stands within 30 cm ahead
                startle: + startle_sensitivity * strength * what is left to 1
                back to the target at 0.2 + 1.8 * recovery_speed per second
    coherence   target: coherence_baseline, less half of the tension above its baseline;
                as fast as tension
    energy      target: energy_baseline, and of what is left to 1: movement_expressiveness *
                speed, and half of sound_expressiveness * loudness; 1 per second
    curiosity   target: curiosity_drive / 2, and of what is left to 1: light_expressiveness *
                how unusual the light is
                startle: + curiosity_drive * strength * what is left to 1; 0.5 per second
                the robot gets used to a light at 0.5 per second
    mode        Protect  tension rose to 0.8 (until it falls below 0.6)
                Spike    less than a second since a startle, and tension above its target
                Active   it moves, or energy is 0.05 above its baseline
                Calm     otherwise
"""

from __future__ import annotations

from collections.abc import Mapping
from math import exp
from typing import Any, Literal, NamedTuple

from ...commands import TRAITS

__all__ = ["DEFAULT_PERSONALITY", "Mind", "Mode", "Moment"]

Mode = Literal["Calm", "Active", "Spike", "Protect"]

DEFAULT_PERSONALITY = {
    **dict.fromkeys(TRAITS, 0.5),
    "tension_baseline": 0.2,
    "coherence_baseline": 0.7,
}

NEAR = 30.0
"""cm within which something ahead raises the tension."""
STARTLED = 1.0
LONG_AGO = 2.0
"""Seconds since a startle: in its grip, and forgotten."""
SETTLED = 1e-3
"""A number this near to its target has reached it, so that a robot left alone comes to rest."""


class Moment(NamedTuple):
    """What the robot meets now."""

    speed: float = 0.0
    """Of the faster wheel, 0 to 1 of full speed."""
    ahead: float = 300.0
    """Distance to what stands ahead, cm."""
    light: float = 0.0
    """0 to 100."""
    sound: float = 0.0
    """How much louder than the room usually is, 0 to 100."""


class Mind:
    """Four numbers, a mode and the personality; ``light`` is the light it is used to at first."""

    def __init__(self, light: float = 0.0) -> None:
        self.personality = dict(DEFAULT_PERSONALITY)
        self.tension = self.personality["tension_baseline"]
        self.coherence = self.personality["coherence_baseline"]
        self.energy = self.personality["energy_baseline"]
        self.curiosity = self.personality["curiosity_drive"] / 2
        self.mode: Mode = "Calm"
        self.steady = False
        """Nothing would change if the same moment lasted."""
        self._usual_light = light
        self._since_startle = LONG_AGO

    def state(self) -> dict[str, Any]:
        """The mode and the four numbers, as in the section `neural_state`."""
        return {
            "mode": self.mode,
            "tension": round(self.tension, 3),
            "coherence": round(self.coherence, 3),
            "energy": round(self.energy, 3),
            "curiosity": round(self.curiosity, 3),
        }

    def change_personality(self, changed: Mapping[str, float]) -> dict[str, Any]:
        """Become another one; returns the data of the event `personality_changed`."""
        self.personality.update(changed)
        self.steady = False
        return {"personality": dict(self.personality), "changed": changed}

    def wake(self) -> None:
        """Something about this moment is new."""
        self.steady = False

    def startle(self, strength: float) -> None:
        """Something sudden, of a strength from 0 to 1."""
        self.tension += self.personality["startle_sensitivity"] * strength * (1 - self.tension)
        self.curiosity += self.personality["curiosity_drive"] * strength * (1 - self.curiosity)
        self._since_startle = 0.0
        self.steady = False

    def advance(self, seconds: float, moment: Moment) -> None:
        """Let time pass in one moment."""
        nature = self.personality
        numbers = (self.tension, self.coherence, self.energy, self.curiosity)
        memory = (self._usual_light, self._since_startle)

        calm = nature["tension_baseline"]
        tension = calm + 0.5 * (1 - calm) * max(0.0, 1 - moment.ahead / NEAR)
        recovery = exp(-(0.2 + 1.8 * nature["recovery_speed"]) * seconds)
        self.tension = _towards(self.tension, tension, recovery)
        coherence = max(0.0, nature["coherence_baseline"] - 0.5 * max(0.0, self.tension - calm))
        self.coherence = _towards(self.coherence, coherence, recovery)

        rested = nature["energy_baseline"]
        stir = (
            nature["movement_expressiveness"] * moment.speed
            + nature["sound_expressiveness"] * moment.sound / 200
        )
        self.energy = _towards(self.energy, rested + (1 - rested) * min(stir, 1.0), exp(-seconds))

        slow = exp(-0.5 * seconds)
        idle = nature["curiosity_drive"] / 2
        strange = min(abs(moment.light - self._usual_light) / 50, 1.0)
        unusual = nature["light_expressiveness"] * strange
        self.curiosity = _towards(self.curiosity, idle + (1 - idle) * unusual, slow)
        self._usual_light = _towards(self._usual_light, moment.light, slow)

        self._since_startle = min(LONG_AGO, self._since_startle + seconds)
        self.mode = self._mode(moment, tension)
        self.steady = memory == (self._usual_light, self._since_startle) and numbers == (
            self.tension,
            self.coherence,
            self.energy,
            self.curiosity,
        )

    def _mode(self, moment: Moment, tension: float) -> Mode:
        if self.tension >= (0.6 if self.mode == "Protect" else 0.8):
            return "Protect"
        if self._since_startle < STARTLED and self.tension > tension:
            return "Spike"
        if moment.speed or self.energy >= self.personality["energy_baseline"] + 0.05:
            return "Active"
        return "Calm"


def _towards(value: float, target: float, left: float) -> float:
    """``value`` on its way to ``target``, when the part ``left`` of the gap is left."""
    gap = target - value
    return target if -SETTLED < gap < SETTLED else target - gap * left
