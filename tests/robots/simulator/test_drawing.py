"""Drawing: figures come out as they should, the path is told, and nobody has to look after it."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mbot_nb import commands as c
from mbot_nb.errors import CommandRejectedError
from mbot_nb.robot import Motion
from mbot_nb.robots import SimulatedRobot, World
from mbot_nb.robots.simulator.drawing import SHAPES, arc, line, prepare, turn
from tests.helpers.robots import Ears, FakeClock


class Studio:
    """A robot with much room, its clock, and what it tells."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.ears = Ears()
        self.bot = SimulatedRobot(world=World(width=600, height=600), clock=self.clock)
        self.bot.attach(self.ears)

    def begin(self, **what: Any) -> Motion:
        motion = self.bot.execute(c.StartDrawing(**what))
        assert isinstance(motion, Motion)
        return motion

    def draw(self, **what: Any) -> dict[str, Any]:
        motion = self.begin(**what)
        self.clock.sleep(motion.duration + 1e-6)
        self.bot.advance()
        assert motion.ended == "time"
        [result] = self.ears.of("drawing_complete")
        return result


def span(path: list[list[float]], axis: int) -> float:
    return max(point[axis] for point in path) - min(point[axis] for point in path)


@pytest.fixture
def studio() -> Studio:
    return Studio()


def test_a_circle_is_round_and_closed(studio: Studio) -> None:
    result = studio.draw(shape="circle")
    path = result["path"]
    assert result["complete"] is True
    assert result["length"] == pytest.approx(2 * math.pi * 15, abs=0.3)
    assert path[0] == [300, 300]
    assert math.dist(path[0], path[-1]) < 0.05
    assert all(math.dist(point, (300, 315)) == pytest.approx(15, abs=0.02) for point in path)


def test_a_square_has_four_corners(studio: Studio) -> None:
    path = studio.draw(shape="square")["path"]
    for corner in ((300, 300), (330, 300), (330, 330), (300, 330)):
        assert min(math.dist(corner, point) for point in path) < 0.05
    assert [span(path, 0), span(path, 1)] == pytest.approx([30, 30], abs=0.05)


@pytest.mark.parametrize("shape", sorted(set(SHAPES) - {"line", "zigzag", "spiral"}))
def test_a_closed_figure_ends_where_it_began_and_as_it_stood(studio: Studio, shape: str) -> None:
    path = studio.draw(shape=shape)["path"]
    assert math.dist(path[0], path[-1]) < 0.6
    assert studio.bot.state()["pose"]["heading"] == pytest.approx(0, abs=0.1)
    assert studio.bot.telemetry()["speed"] == 0


@pytest.mark.parametrize("shape", sorted(SHAPES))
def test_every_figure_has_the_size_that_is_promised(studio: Studio, shape: str) -> None:
    path = studio.draw(shape=shape)["path"]
    assert 15 <= max(span(path, 0), span(path, 1)) <= 60
    assert studio.bot.state()["drawing"] == {"shape": None}


def test_points_are_driven_through_with_the_pen_up_to_the_first(studio: Studio) -> None:
    points = [(20.0, 10.0), (40.0, 10.0), (40.0, -10.0)]
    path = studio.draw(points=points)["path"]
    assert math.dist(path[0], (320, 310)) < 0.05, "the way to the first point is not drawn"
    for x, y in points:
        assert min(math.dist((300 + x, 300 + y), point) for point in path) < 0.05


@settings(max_examples=30)
@given(st.lists(st.tuples(st.floats(-80, 80), st.floats(-80, 80)), min_size=2, max_size=8))
def test_any_points_are_met(points: list[tuple[float, float]]) -> None:
    studio = Studio()
    result = studio.draw(points=points)
    assert math.dist(result["path"][-1], (300 + points[-1][0], 300 + points[-1][1])) < 0.1
    assert result["length"] == pytest.approx(sum(map(math.dist, points, points[1:])), abs=0.2)


def test_a_drawing_that_is_stopped_tells_how_far_it_came(studio: Studio) -> None:
    motion = studio.begin(shape="square")
    studio.clock.sleep(0.7)
    assert studio.bot.state()["drawing"] == {"shape": "square"}
    studio.bot.execute(c.StopDrawing())
    assert motion.ended == "stopped"
    [result] = studio.ears.of("drawing_complete")
    assert result["complete"] is False
    assert 10 < result["length"] < 25
    studio.bot.execute(c.StopDrawing())
    assert len(studio.ears.of("drawing_complete")) == 1


def test_a_drive_replaces_a_drawing(studio: Studio) -> None:
    motion = studio.begin(shape="circle")
    studio.clock.sleep(0.5)
    studio.bot.execute(c.Drive(left=10, right=10))
    assert motion.ended == "replaced"
    assert studio.ears.of("drawing_complete")[0]["complete"] is False
    assert studio.bot.state()["drawing"] == {"shape": None}


def test_a_latched_robot_does_not_draw(studio: Studio) -> None:
    studio.bot.emergency_stop()
    with pytest.raises(CommandRejectedError, match="STOPPED"):
        studio.begin(shape="circle")


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ({"shape": "dragon"}, "dragon.*circle"),
        ({"points": [(0.0, 0.0), (1e6, 0.0)]}, "300 s"),
        ({"points": [(0.0, 0.0), (math.inf, 0.0)]}, "finite"),
        ({"points": [(0.0, 0.0), (1e308, 1e308), (-1e308, -1e308)]}, "would take"),
    ],
)
def test_what_cannot_be_drawn_is_refused(studio: Studio, what: dict[str, Any], words: str) -> None:
    with pytest.raises(CommandRejectedError, match=words) as caught:
        studio.begin(**what)
    assert caught.value.code == "INVALID_PARAMS"
    assert studio.bot.motion is None


def test_a_long_path_is_thinned_but_whole(studio: Studio) -> None:
    points = [(100.0 * (i % 2), i * 0.1) for i in range(30)]
    result = studio.draw(points=points)
    assert len(result["path"]) == 2000
    assert math.dist(result["path"][-1], (300 + points[-1][0], 300 + points[-1][1])) < 0.1


def test_a_move_ends_when_the_robot_stands(studio: Studio) -> None:
    for move in (line(0.1), line(30), turn(1), turn(-170), arc(15, 90), arc(5, -40)):
        duration = move.duration
        changes = move.changes(0.0)
        assert changes[-1][0] < duration
    drawing = prepare("square", None, 5.0)
    assert drawing.changes == sorted(drawing.changes)
    assert drawing.end == drawing.changes[-1][0]
