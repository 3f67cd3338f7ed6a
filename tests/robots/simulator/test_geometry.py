"""Turned rectangles against the plainest ways to work out the same."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mbot_nb.robots.simulator.geometry import Rectangle

near = st.floats(-40, 40)
half = st.floats(1, 15)
angle = st.floats(-10, 10)
rectangles = st.builds(Rectangle, near, near, half, half, angle)


def inside(rectangle: Rectangle, x: float, y: float, margin: float = 0.0) -> bool:
    dx, dy = x - rectangle.x, y - rectangle.y
    return (
        abs(dx * rectangle.c + dy * rectangle.s) <= rectangle.half_length + margin
        and abs(dy * rectangle.c - dx * rectangle.s) <= rectangle.half_width + margin
    )


def points(rectangle: Rectangle, count: int = 6) -> list[tuple[float, float]]:
    """A grid over it, with its corners."""
    steps = [2 * i / count - 1 for i in range(count + 1)]
    return [
        (
            rectangle.x
            + u * rectangle.half_length * rectangle.c
            - v * rectangle.half_width * rectangle.s,
            rectangle.y
            + u * rectangle.half_length * rectangle.s
            + v * rectangle.half_width * rectangle.c,
        )
        for u in steps
        for v in steps
    ]


@given(a=rectangles, b=rectangles)
def test_a_push_parts_them_and_no_push_means_apart(a: Rectangle, b: Rectangle) -> None:
    push = a.push(b)
    if push is None:
        assert not any(inside(b, x, y, -1e-6) for x, y in points(a))
        return
    a.x += push[0]
    a.y += push[1]
    again = a.push(b)
    assert again is None or math.hypot(*again) < 1e-6


close, large = st.floats(-5, 5), st.floats(4, 15)
overlapping = st.builds(Rectangle, close, close, large, large, angle)


@given(a=st.builds(Rectangle, st.just(0.0), st.just(0.0), large, large, angle), b=overlapping)
def test_a_push_is_the_shortest_way_out(a: Rectangle, b: Rectangle) -> None:
    push = a.push(b)
    assert push is not None, "their middles are nearer than the circles inside them are wide"
    length = math.hypot(*push)
    x, y = a.x, a.y
    for degree in range(0, 360, 10):
        a.x = x + 0.99 * length * math.cos(math.radians(degree))
        a.y = y + 0.99 * length * math.sin(math.radians(degree))
        assert a.push(b) is not None


@given(rectangle=rectangles, x=near, y=near)
def test_the_distance_is_that_of_the_nearest_point(
    rectangle: Rectangle, x: float, y: float
) -> None:
    distance = rectangle.distance(x, y)
    assert (distance == 0) == inside(rectangle, x, y)
    sampled = min(math.hypot(px - x, py - y) for px, py in points(rectangle, 24))
    spacing = math.hypot(rectangle.half_length, rectangle.half_width) / 12
    assert distance <= sampled + 1e-9
    assert sampled <= distance + spacing or distance == 0


@given(rectangle=rectangles, x=near, y=near, towards=st.floats(0, 2 * math.pi))
def test_a_ray_ends_at_the_edge(rectangle: Rectangle, x: float, y: float, towards: float) -> None:
    dx, dy = math.cos(towards), math.sin(towards)
    distance = rectangle.ray(x, y, dx, dy)
    if distance == math.inf:
        assert not any(inside(rectangle, x + dx * t, y + dy * t, -1e-6) for t in range(0, 120, 2))
        return
    assert inside(rectangle, x + dx * distance, y + dy * distance, 1e-6)
    if distance > 0:
        assert rectangle.distance(x + dx * distance, y + dy * distance) == pytest.approx(
            0, abs=1e-6
        )
        assert not any(
            inside(rectangle, x + dx * distance * part, y + dy * distance * part, -1e-6)
            for part in (0, 0.3, 0.6, 0.9)
        )
