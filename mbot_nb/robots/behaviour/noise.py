"""Noise as a function: the same seed, sensor and reading always give the same value.

A random generator would depend on how often the state is read.
"""

from __future__ import annotations

__all__ = ["mix", "noise"]

_MASK = (1 << 64) - 1


def mix(*numbers: int) -> int:
    """64 well-mixed bits that depend on every one of ``numbers`` (the finaliser of splitmix64)."""
    bits = 0
    for number in numbers:
        bits = (bits + number + 0x9E3779B97F4A7C15) & _MASK
        bits = ((bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        bits = ((bits ^ (bits >> 27)) * 0x94D049BB133111EB) & _MASK
        bits ^= bits >> 31
    return bits


def noise(seed: int, sensor: int, reading: int) -> float:
    """A value from -1 to 1, denser in the middle: the difference of two even ones (sd 0.41)."""
    bits = mix(seed, sensor, reading)
    return ((bits >> 32) - (bits & 0xFFFFFFFF)) / 2**32
