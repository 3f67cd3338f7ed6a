"""No byte that arrives ends an emulated robot, whatever a bad cable has made of it; and if a fault
does, its process tells."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mbot_nb.robots.emulators.faults import Faults


@given(st.binary(min_size=1, max_size=50), st.integers(0, 1000))
def test_faults_do_what_they_say(data: bytes, seed: int) -> None:
    assert Faults(seed=seed).on(data) == data
    assert Faults(silence=1, seed=seed).on(data) == b""
    assert len(Faults(truncate=1, seed=seed).on(data)) < len(data)
    assert Faults(garbage=1, seed=seed).on(data).endswith(data)
    spoilt = Faults(corrupt=1, seed=seed).on(data)
    assert len(spoilt) == len(data)
    assert sum(a != b for a, b in zip(spoilt, data, strict=True)) == 1
