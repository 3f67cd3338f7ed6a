"""Line, light, sound, encoders, gyro, battery, and the noise of the ultrasonic sensor."""

from __future__ import annotations

import statistics

import pytest

from mbot_nb import commands as c
from mbot_nb.robots import SimulatedRobot, Simulation, World
from mbot_nb.robots.simulator.senses import PROBE_AHEAD, Floor
from mbot_nb.robots.simulator.world import Light, Line, Start
from tests.helpers.robots import Ears, FakeClock


def over_a_line(clock: FakeClock, beside: float, width: float = 2.0) -> tuple[int, float]:
    """Bits and offset of a robot whose middle is ``beside`` cm to the right of a line that it looks
    along."""
    world = World(
        lines=(Line(points=((0, 75), (200, 75)), width=width),),
        starts=(Start(x=100, y=75 - beside),),
    )
    found = SimulatedRobot(world=world, clock=clock).telemetry()
    return found["line"], found["line_offset"]


@pytest.mark.parametrize(
    ("beside", "bits"),
    [(0, 0b0110), (0.75, 0b0100), (2.25, 0b1000), (-2.25, 0b0001), (1.5, 0b1100), (4, 0), (-30, 0)],
)
def test_the_line_sensor_sets_the_bits_of_the_eyes_on_the_line(
    clock: FakeClock, beside: float, bits: int
) -> None:
    assert over_a_line(clock, beside)[0] == bits


def test_the_offset_is_positive_with_the_line_to_the_left(clock: FakeClock) -> None:
    offsets = [over_a_line(clock, beside)[1] for beside in (-2.25, -1, 0, 1, 2.25)]
    assert offsets == sorted(offsets)
    assert (offsets[0], offsets[2], offsets[4]) == (-100, 0, 100)
    assert over_a_line(clock, 20) == (0, 0)


def test_a_line_is_found_wherever_it_lies() -> None:
    floor = Floor([Line(points=((13, 7), (61, 44), (20, 90)), width=3)])
    assert floor.darkness(13, 7) == 1
    assert floor.darkness((13 + 61) / 2, (7 + 44) / 2) == 1
    assert floor.darkness(61, 44) == 1
    assert floor.darkness(13 - 1.5, 7) == pytest.approx(0.5)
    assert floor.darkness(80, 44) == 0


def test_a_closed_line_comes_back_to_its_beginning() -> None:
    points = ((0.0, 0.0), (50.0, 0.0), (50.0, 50.0))
    assert Floor([Line(points=points)]).darkness(25, 25) == 0
    assert Floor([Line(points=points, closed=True)]).darkness(25, 25) == 1


def test_a_simple_follower_stays_on_the_line_of_the_playground(clock: FakeClock) -> None:
    """The sensor is good enough to drive by: once around the oval, at ten looks a second."""
    oval = SimulatedRobot(clock=clock).simulation.world.lines[0]
    world = World(lines=(oval,), starts=(Start(x=100, y=27 - 0.5),))
    bot = SimulatedRobot(world=world, clock=clock)
    seen = 0
    for _ in range(200):
        offset = bot.telemetry()["line_offset"]
        bot.execute(c.Drive(left=30 - 0.08 * offset, right=30 + 0.08 * offset, duration=1))
        clock.sleep(0.1)
        seen += bot.telemetry()["line"] != 0
    assert seen > 190
    assert bot.distance_driven > 370
    assert PROBE_AHEAD > 0


def test_it_is_brighter_under_a_lamp(clock: FakeClock) -> None:
    def light(**changes: object) -> float:
        found: float = SimulatedRobot(
            world={"ambient_light": 20, **changes}, clock=clock
        ).telemetry()["light"]
        return found

    assert light() == 20
    assert light(lights=[{"x": 100, "y": 75, "brightness": 50}]) == 70
    assert light(lights=[{"x": 100, "y": 115, "brightness": 50, "height": 40}]) == 45
    assert light(lights=[{"x": 100, "y": 75, "brightness": 100}]) == 100


def test_driving_towards_a_lamp_it_gets_brighter(clock: FakeClock) -> None:
    bot = SimulatedRobot(world=World(lights=(Light(x=180, y=75),)), clock=clock)
    readings = []
    bot.execute(c.Drive(left=50, right=50, duration=2))
    for _ in range(20):
        readings.append(bot.telemetry()["light"])
        clock.sleep(0.1)
    assert readings == sorted(readings)
    assert readings[-1] > readings[0] + 10


def test_others_hear_a_tone_and_are_startled_by_it(clock: FakeClock) -> None:
    simulation = Simulation(World(starts=(Start(x=60, y=75), Start(x=110, y=75))), clock=clock)
    singer, hearer = SimulatedRobot(world=simulation), SimulatedRobot(world=simulation)
    clock.sleep(10)
    singer.advance()  # it sees the other appear
    ears, own = Ears(), Ears()
    singer.attach(own)
    hearer.attach(ears)
    singer.execute(c.PlayTone(frequency=440, duration=0.5))
    clock.sleep(0.2)
    assert hearer.telemetry()["sound"] == pytest.approx(30, abs=0.1), "half of 60 at 50 cm"
    assert singer.telemetry()["sound"] == 60
    assert [(data["type"], data["loudness"]) for data in ears.of("stimulus_detected")] == [
        ("sound", 30)
    ]
    assert own == []
    clock.sleep(1)
    assert hearer.telemetry()["sound"] == 5


def test_a_sound_shorter_than_a_reading_is_heard(clock: FakeClock) -> None:
    bot = SimulatedRobot(world=World(), clock=clock)
    ears = Ears()
    bot.attach(ears)
    clock.sleep(10)
    bot.simulation.make_sound(110, 75, duration=0.001)
    clock.sleep(1)
    bot.advance()
    assert [data["type"] for data in ears.of("stimulus_detected")] == ["sound"]
    assert bot.telemetry()["sound"] == 5


def test_encoders_count_what_the_wheels_turn(clock: FakeClock) -> None:
    bot = SimulatedRobot(clock=clock)
    bot.execute(c.Drive(left=50, right=-25, duration=1))
    clock.sleep(2)
    found = bot.telemetry()
    assert found["encoder_left"] == pytest.approx(100 / 60 * 360, abs=0.1)
    assert found["encoder_right"] == pytest.approx(-50 / 60 * 360, abs=0.1)


def test_the_gyro_shows_the_turn_rate(clock: FakeClock) -> None:
    bot = SimulatedRobot(clock=clock)
    bot.execute(c.Move(direction="left", speed=25, duration=2))
    clock.sleep(1)
    assert bot.state()["neural_state"]["gyro"] == pytest.approx(169.6, abs=0.1)
    assert bot.telemetry()["turn_rate"] == pytest.approx(169.565, abs=0.05)
    clock.sleep(2)
    assert bot.state()["neural_state"]["gyro"] == 0


def test_the_battery_drains_faster_when_driving(clock: FakeClock) -> None:
    standing, driving = SimulatedRobot(clock=clock), SimulatedRobot(clock=clock)
    for _ in range(60):
        driving.execute(c.Move(direction="left", speed=100, duration=10))
        clock.sleep(10)
    assert standing.telemetry()["battery"] == 96
    assert driving.telemetry()["battery"] == 83
    clock.sleep(24 * 3600)
    assert driving.telemetry()["battery"] == 0


def test_readings_scatter_around_the_truth(clock: FakeClock) -> None:
    noisy, exact = (
        SimulatedRobot(seed=4, world=World(width=400), clock=clock, noise=scale) for scale in (1, 0)
    )
    errors = []
    for bot in (noisy, exact):
        bot.execute(c.Drive(left=20, right=20, duration=8))
    for _ in range(80):
        clock.sleep(0.1)
        errors.append(noisy.telemetry()["distance"] - exact.telemetry()["distance"])
    assert 0.3 < statistics.stdev(errors) < 2
    assert abs(statistics.mean(errors)) < 0.4
