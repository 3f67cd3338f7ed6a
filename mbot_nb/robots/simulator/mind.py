"""What goes on inside: four numbers and a mode that follow from what the robot meets and from its personality.

A simple model of our own. Every number lives in [0, 1] and goes exponentially towards a target that the present moment
sets; something sudden throws it off at once.

    tension     target: tension_baseline, more when something stands close ahead
                startle: + startle_sensitivity * strength of what is left to 1
                back to the target at 0.2 + 1.8 * recovery_speed per second
    coherence   target: coherence_baseline, less by half of the tension above its baseline; same speed as tension
    energy      target: energy_baseline, more when moving, by movement_expressiveness; 1 per second
    curiosity   target: curiosity_drive / 2; startle: + curiosity_drive * strength of what is left to 1; 0.5 per second

    mode        Protect  tension rose to 0.8 (until it falls below 0.6)
                Spike    less than a second since a startle, tension above its target
                Active   energy is 0.05 above its baseline, or the robot moves
                Calm     otherwise
"""

from __future__ import annotations

from math import exp
from typing import Literal

from ...commands import TRAITS

__all__ = ["DEFAULT_PERSONALITY", "Mind", "Mode"]

Mode = Literal["Calm", "Active", "Spike", "Protect"]

DEFAULT_PERSONALITY = {
    "tension_baseline": 0.2,
    "coherence_baseline": 0.7,
    "energy_baseline": 0.5,
    "startle_sensitivity": 0.5,
    "recovery_speed": 0.5,
    "curiosity_drive": 0.5,
    "movement_expressiveness": 0.5,
    "sound_expressiveness": 0.5,
    "light_expressiveness": 0.5,
}
assert tuple(DEFAULT_PERSONALITY) == TRAITS

NEAR = 30.0
"""cm within which something ahead is felt."""
SETTLED = 1e-3
"""A number this near to its target has reached it: a robot left alone comes to rest, and says no more."""


class Mind:
    """Four numbers, a mode, and the nine numbers of the personality."""

    def __init__(self) -> None:
        self.personality = dict(DEFAULT_PERSONALITY)
        self.tension = self.personality["tension_baseline"]
        self.coherence = self.personality["coherence_baseline"]
        self.energy = self.personality["energy_baseline"]
        self.curiosity = self.personality["curiosity_drive"] / 2
        self.mode: Mode = "Calm"
        self.settled = True
        """Nothing would change if the same moment lasted."""
        self._since_startle = 60.0

    def wake(self) -> None:
        """Something about this moment is new."""
        self.settled = False

    def startle(self, strength: float) -> None:
        """Something sudden, of a strength from 0 to 1."""
        self.tension += self.personality["startle_sensitivity"] * strength * (1 - self.tension)
        self.curiosity += self.personality["curiosity_drive"] * strength * (1 - self.curiosity)
        self._since_startle = 0.0
        self.settled = False

    def live(self, seconds: float, *, speed: float, ahead: float) -> None:
        """Let time pass at ``speed`` (0 to 1 of full speed) with something ``ahead`` (cm)."""
        nature = self.personality
        base = nature["tension_baseline"]
        tension = base + 0.5 * (1 - base) * max(0.0, 1 - ahead / NEAR)
        recovery = 0.2 + 1.8 * nature["recovery_speed"]
        before = (self.tension, self.coherence, self.energy, self.curiosity, self.mode)
        self.tension = _towards(self.tension, tension, recovery * seconds)
        coherence = max(0.0, nature["coherence_baseline"] - 0.5 * max(0.0, self.tension - base))
        self.coherence = _towards(self.coherence, coherence, recovery * seconds)
        base = nature["energy_baseline"]
        energy = base + (1 - base) * nature["movement_expressiveness"] * speed
        self.energy = _towards(self.energy, energy, seconds)
        self.curiosity = _towards(self.curiosity, nature["curiosity_drive"] / 2, 0.5 * seconds)
        self._since_startle = min(60.0, self._since_startle + seconds)
        if self.tension >= (0.6 if self.mode == "Protect" else 0.8):
            self.mode = "Protect"
        elif self._since_startle < 1 and self.tension > tension:
            self.mode = "Spike"
        elif speed or self.energy >= base + 0.05:
            self.mode = "Active"
        else:
            self.mode = "Calm"
        self.settled = before == (self.tension, self.coherence, self.energy, self.curiosity, self.mode)


def _towards(value: float, target: float, amount: float) -> float:
    """``value`` after ``amount`` time constants on its way to ``target``."""
    gap = target - value
    return target if abs(gap) < SETTLED else value + gap * (1 - exp(-amount))
