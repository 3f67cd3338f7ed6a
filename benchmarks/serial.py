"""``serial_*`` and ``telemetry_rate``: frames, round trips, sensor updates and stops of robots on a
cable, beside the usual parsers and a bare serial port. The robots are emulators on
pseudo-terminals."""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from typing import Any

import serial

from mbot_nb.commands import Drive
from mbot_nb.robots.emulators import emulate
from mbot_nb.robots.emulators.emulator import Emulator
from mbot_nb.robots.serial.connection.link import SerialLink
from mbot_nb.robots.serial.connection.port import opener
from mbot_nb.robots.serial.cyberpi import SENSORS, CyberPiRobot
from mbot_nb.robots.serial.wire import f3, ff55
from mbot_nb.robots.serial.wire.dialects import F3Dialect, ScriptRequest
from mbot_nb.robots.serial.wire.literals import call
from tests.helpers.waiting import eventually

from .figures import Comparison, Goal
from .harness import Contender

__all__ = ["comparisons", "f3_stream", "ff55_stream", "search_for_header", "split_at_line_ends"]

_FRAMES = 20_000
_READ = 512
_ROUND_TRIPS = 1000
_WARM_UP = 100
_SECONDS = 2.0
_STOPS = 25
_TEN = tuple(
    sensor for sensor in SENSORS if sensor[0] not in ("pitch", "roll", "button_a", "button_b")
)
_QUESTION = "cyberpi.get_name()"
_WORLD: dict[str, Any] = {
    "width": 2000,
    "height": 400,
    "starts": [{"x": 60, "y": 200}],
    "lights": [{"x": 150, "y": 220}],
    "lines": [{"points": [[60, 200], [200, 210]]}],
}


def comparisons() -> list[Comparison]:
    """What this module measures."""
    stream = f"{_FRAMES:,} frames in reads of {_READ} bytes"
    return [
        _codec(
            "f3",
            f"{stream}, replies and pushes, against a parser that looks for a header in all it has",
            search_for_header,
        ),
        _codec(
            "ff55",
            f"{stream}, values and acknowledgements, against `bytes.split` at line ends",
            split_at_line_ends,
        ),
        _losses(
            "f3",
            f"frames lost or misread of the {_FRAMES:,} that serial_codec_f3 decodes",
            search_for_header,
        ),
        _losses(
            "ff55",
            f"frames lost or misread of the {_FRAMES:,} that serial_codec_ff55 decodes",
            split_at_line_ends,
        ),
        Comparison(
            name="serial_rtt",
            ours=Contender("ours: request", partial(asyncio.to_thread, _rtt, _our_round_trips)),
            theirs=Contender(
                "pyserial: write and read", partial(asyncio.to_thread, _rtt, _bare_round_trips)
            ),
            unit="µs",
            goal=Goal(ratio_at_most=3),
            how=(
                f"median of {_ROUND_TRIPS} round trips of a script and its reply, one after "
                "another, to an emulator in a process "
                "of its own that answers at once and takes no time for bytes: "
                "`link.request(...).result()` against `write` and "
                "`read` of the very bytes"
            ),
        ),
        Comparison(
            name="telemetry_rate",
            ours=Contender("ours: subscriptions", partial(asyncio.to_thread, _pushed)),
            theirs=Contender("ours: polling", partial(asyncio.to_thread, _polled)),
            unit="values/s",
            goal=Goal(ratio_at_least=3),
            how=(
                f"values of ten sensors that arrive in {_SECONDS:g} s from a robot that drives a "
                "curve: 115200 baud, answers in "
                "51 ms (102 ms through the shield); subscribed to, which pushes what changes, "
                "against asked one after another"
            ),
        ),
        Comparison(
            name="serial_stop_p50",
            ours=Contender("ours: stop", partial(asyncio.to_thread, _stops, _stop)),
            theirs=Contender("pyserial: one frame", partial(asyncio.to_thread, _bare_stops)),
            unit="ms",
            goal=Goal(ours_at_most=30),
            how=(
                f"median of {_STOPS} stops, from the call of `robot.stop()` until the motors are "
                "told to stand, at 115200 baud, "
                "with all subscriptions, and a script in front that keeps the robot's queue busy "
                "for 2 s; against writing the "
                "stop's frame to an idle cable"
            ),
        ),
        Comparison(
            name="serial_stop_watchdog_p50",
            ours=Contender("ours: end of a motion", partial(asyncio.to_thread, _stops, _run_out)),
            theirs=Contender("pyserial: one frame", partial(asyncio.to_thread, _bare_stops)),
            unit="ms",
            goal=Goal(ours_at_most=30),
            how="the same from when a motion of 0.2 s was to end, while the thread that began it "
            f"sleeps; {_STOPS} motions",
        ),
    ]


# Decoding.


def f3_stream() -> tuple[bytes, list[f3.Frame]]:
    """Replies and pushes as an mBot2 sends them, under numbers that come round."""
    frames: list[f3.Frame] = []
    data = []
    for n in range(_FRAMES):
        if n % 3:
            text = f"{{{n % 14 + 2}:{n % 1000 / 10}}}"
            frames.append(f3.Push(1, text.encode()))
            data.append(f3.encode_push(text))
        else:
            text = ('{"ret":None}', '{"ret": true}', f'{{"ret":{n % 301}}}')[n // 3 % 3]
            number = n // 3 % 1000 + 1
            frames.append(f3.Script(1, number, text.encode()))
            data.append(f3.encode_script(text, number))
    return b"".join(data), frames


def ff55_stream() -> tuple[bytes, list[ff55.Frame]]:
    """Values and acknowledgements as an mBot sends them: distances from echoes timed in
    microseconds."""
    frames: list[ff55.Frame] = []
    data = []
    for n in range(_FRAMES):
        if n % 3:
            encoded = ff55.encode_value(n % 120 + 1, ff55.FLOAT, (5800 + n % 5800) / 58)
            frames += ff55.Decoder().feed(encoded)
            data.append(encoded)
        else:
            frames.append(ff55.Ack())
            data.append(ff55.encode_ack())
    return b"".join(data), frames


class search_for_header:
    """The usual way: after every byte, look whether the last four are a header, and begin anew if
    so."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._length = -1

    def feed(self, data: bytes) -> list[f3.Frame]:
        """The frames it takes for complete."""
        frames: list[f3.Frame] = []
        buffer = self._buffer
        for byte in data:
            buffer.append(byte)
            if (
                len(buffer) > 3
                and buffer[-4] == 0xF3
                and (0xF3 + buffer[-2] + buffer[-1]) & 0xFF == buffer[-3]
            ):
                del buffer[:-4]
                self._length = buffer[2] + (buffer[3] << 8) + 6
            if len(buffer) == self._length:
                frames += f3.Decoder().feed(bytes(buffer))
                buffer.clear()
                self._length = -1
        return frames


class split_at_line_ends:
    """The usual way: whatever stands between two line ends is a frame."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[ff55.Frame]:
        """The frames it takes for complete."""
        *lines, self._rest = (self._rest + data).split(b"\r\n")
        return [frame for line in lines for frame in ff55.Decoder().feed(line + b"\r\n")]


_STREAMS: dict[str, Callable[[], tuple[bytes, list[Any]]]] = {"f3": f3_stream, "ff55": ff55_stream}
_DECODERS: dict[str, Callable[[], Any]] = {"f3": f3.Decoder, "ff55": ff55.Decoder}


def _codec(kind: str, how: str, other: Callable[[], Any]) -> Comparison:
    return Comparison(
        name=f"serial_codec_{kind}",
        ours=Contender(f"ours: {kind}", partial(asyncio.to_thread, _speed, kind, _DECODERS[kind])),
        theirs=Contender(other.__name__, partial(asyncio.to_thread, _speed, kind, other)),
        unit="frames/s",
        goal=Goal(ours_at_least=100_000),
        how=how,
    )


def _losses(kind: str, how: str, other: Callable[[], Any]) -> Comparison:
    return Comparison(
        name=f"serial_misparses_{kind}",
        ours=Contender(
            f"ours: {kind}, lost", partial(asyncio.to_thread, _misparses, kind, _DECODERS[kind])
        ),
        theirs=Contender(
            f"{other.__name__}, lost", partial(asyncio.to_thread, _misparses, kind, other)
        ),
        unit="frames",
        goal=Goal(ratio_at_most=0),
        how=how,
    )


def _decode(kind: str, decoder: Callable[[], Any]) -> tuple[float, list[Any], list[Any]]:
    stream, expected = _STREAMS[kind]()
    pieces = [stream[at : at + _READ] for at in range(0, len(stream), _READ)]
    feed = decoder().feed
    got: list[Any] = []
    start = time.perf_counter()
    for piece in pieces:
        got += feed(piece)
    return time.perf_counter() - start, got, expected


def _speed(kind: str, decoder: Callable[[], Any]) -> float:
    seconds, _, expected = _decode(kind, decoder)
    return len(expected) / seconds


def _misparses(kind: str, decoder: Callable[[], Any]) -> float:
    """How many of the frames sent did not come out as they were."""
    _, got, expected = _decode(kind, decoder)
    return float((Counter(expected) - Counter(got)).total())


# Round trips.


@contextmanager
def _elsewhere() -> Iterator[str]:
    """An mBot2 in a process of its own, as fast as it can be."""
    options = ("--unpaced", "--boot", "0", "--latency", "0")
    command = [sys.executable, "-m", "mbot_nb", "emulate", "cyberpi", *options]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def _rtt(times: Callable[[str], list[float]]) -> float:
    with _elsewhere() as address:
        return statistics.median(times(address)[_WARM_UP:]) * 1e6


def _our_round_trips(address: str) -> list[float]:
    link = SerialLink(opener(address), F3Dialect, name=address, guarded=False).start()
    try:
        link.wait_ready()
        return [
            _timed(lambda: link.request(ScriptRequest(_QUESTION)).result())
            for _ in range(_ROUND_TRIPS + _WARM_UP)
        ]
    finally:
        link.close(2)


def _bare_round_trips(address: str) -> list[float]:
    request = f3.encode_script(_QUESTION, 1)
    reply = f3.encode_script('{"ret":"mBot2"}', 1)

    def there_and_back() -> None:
        port.write(request)
        if port.read(len(reply)) != reply:
            raise RuntimeError("the emulator answered something else")

    with serial.serial_for_url(address, baudrate=115200, timeout=0.3) as port:
        while port.read(1000):  # what it writes when it starts
            continue
        port.timeout = 2
        return [_timed(there_and_back) for _ in range(_ROUND_TRIPS + _WARM_UP)]


def _timed(what: Callable[[], object]) -> float:
    start = time.perf_counter()
    what()
    return time.perf_counter() - start


# Sensors and stops.


@contextmanager
def _cable(**how: Any) -> Iterator[tuple[Emulator, SerialLink, list[dict[int, Any]]]]:
    pushed: list[dict[int, Any]] = []
    with emulate("cyberpi", boot=0, registered=False, world=_WORLD, seed=1, **how) as emulator:
        link = SerialLink(
            opener(emulator.address), F3Dialect, on_values=pushed.append, guarded=False
        ).start()
        try:
            link.wait_ready()
            emulator.vehicle.drive(60, 50)  # so that values change
            yield emulator, link, pushed
        finally:
            link.close(2)


def _pushed() -> float:
    with _cable() as (_, link, pushed):
        for key, (_, function, arguments, _) in enumerate(_TEN, 2):
            link.request(
                ScriptRequest(
                    f"subscribe.add_item({key}, {function}, {arguments!r})", numbered=False
                )
            ).result()
        before, start = len(pushed), time.perf_counter()
        time.sleep(_SECONDS)
        return (len(pushed) - before) / (time.perf_counter() - start)


def _polled() -> float:
    with _cable() as (_, link, _):
        count, start = 0, time.perf_counter()
        while time.perf_counter() - start < _SECONDS:
            _, function, arguments, _ = _TEN[count % len(_TEN)]
            link.request(ScriptRequest(call(function, *arguments))).result()
            count += 1
        return count / (time.perf_counter() - start)


def _stops(measure: Callable[[Emulator, CyberPiRobot], float]) -> float:
    with emulate("cyberpi", boot=0, registered=False, world=_WORLD, seed=1) as emulator:
        robot = CyberPiRobot(emulator.address, guarded=False)
        with closing(robot):
            robot.wait_ready()
            eventually(lambda: "button_b" in robot.senses)
            return statistics.median(measure(emulator, robot) for _ in range(_STOPS)) * 1e3


def _stop(emulator: Emulator, robot: CyberPiRobot) -> float:
    """Behind a script of 2 s in the robot's queue, which the stop behind the queue then waits
    for."""
    robot.link.request(ScriptRequest("cyberpi.mbot2.forward(50, 2)"), timeout=5)
    eventually(lambda: not emulator.vehicle.standing.is_set())
    time.sleep(0.05)
    start = time.monotonic()
    robot.stop()
    eventually(emulator.vehicle.standing.is_set)
    stopped = emulator.vehicle.stopped_at - start
    emulator.reset()  # the queue is empty again
    eventually(lambda: robot.link.state != "ready")
    robot.wait_ready()
    return stopped


def _run_out(emulator: Emulator, robot: CyberPiRobot) -> float:
    end = time.monotonic() + 0.2
    robot.execute(Drive(left=50, right=50, duration=0.2))
    time.sleep(0.4)
    return emulator.vehicle.stopped_at - end


def _bare_stops() -> float:
    stop = f3.encode_script("cyberpi.mbot2.EM_stop('all',)", 1, f3.RUN_AT_ONCE)
    with (
        emulate(
            "cyberpi", boot=0, registered=False, world=_WORLD, resets_on_open=False
        ) as emulator,
        serial.serial_for_url(emulator.address, baudrate=115200) as port,
    ):
        times = []
        for _ in range(_STOPS):
            emulator.vehicle.drive(50, 50)
            start = time.monotonic()
            port.write(stop)
            eventually(emulator.vehicle.standing.is_set)
            times.append(emulator.vehicle.stopped_at - start)
        return statistics.median(times) * 1e3
