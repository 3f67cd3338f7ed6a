"""What both drivers of robots on a cable share: motions, state, events and a cable that is pulled.

A driver gives the requests that drive and stop its robot, and reads its sensors. Lengths are cm,
angles degrees, speeds percent; only the drivers mirror and scale what the robot counts otherwise.
"""

from __future__ import annotations

import logging
import threading
import time
from abc import abstractmethod
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from functools import partial
from typing import Any

from ... import commands as c
from ...errors import CommandRejectedError, CommandTimeoutError, DeliveryUnknownError, UsageError
from ...robot import Ended, Motion, Outcome, Robot
from ..behaviour.stimuli import Stimuli
from .connection.link import LinkState, SerialLink
from .connection.port import OpenPort, opener
from .games import Games
from .lights import Color, Lights
from .localization import Localization
from .mood import Mood
from .motion_clock import CONFIRMED_TIMEOUT, STOPPED_TIMEOUT, UNSENT_TIMEOUT, MotionClock
from .telemetry import Telemetry, connection_lost_event, connection_section, error_event
from .tones import Tones
from .wire.dialects import Dialect, Request
from .wire.exchange import error_of

__all__ = ["SerialRobot"]

_log = logging.getLogger("mbot_nb")

SENSORS_TIMEOUT = 3.0
"""Seconds to wait for the sensors after the robot has answered: some take 0.1 s each."""
MOTORS = "motors"
"""The slot of everything that moves the wheels."""
STANDING = (0.0, 0.0)
NEURAL = {"distance": "distance", "gyro": "turn_rate", "sound": "sound", "light": "light"}
"""Fields of `neural_state` that are sensors."""


class SerialRobot(Robot):
    """A robot at the other end of a serial port.

    Args:
        port: an address for pyserial (``/dev/ttyUSB0``, ``COM3``, ``socket://host:port``), or a
            function that opens a port.
        name: of the port, if a function opens it.
        robot_id: the robot's name.
        guarded: let a small process hold the port too, which stops the robot if this one is killed
            in mid-motion.

    The port is opened at once, in a thread of its own; :meth:`wait_ready` waits until the robot has
    answered.
    """

    kind = "robot"
    model = "robot"
    """What it is called in messages."""
    pushes_telemetry = True
    led_count = 5
    has_encoders = False
    confirmed_after = 0.0
    """Seconds from the beginning of a motion until its confirmation is usually here."""
    max_slice = 0.3
    """Seconds of a tone that are sent at once."""
    unsupported: Mapping[str, str] = {}
    """Why it does not do a command."""

    def __init__(
        self,
        port: str | OpenPort,
        *,
        name: str | None = None,
        robot_id: str | None = None,
        guarded: bool = True,
    ) -> None:
        super().__init__()
        self.port = name or (port if isinstance(port, str) else "the given port")
        self.robot_id = robot_id or f"{self.kind}-{self.port.rpartition('/')[2]}"
        self.senses: dict[str, Any] = {}
        """The last sensor values, by the names of the telemetry."""
        self._lights = Lights(self.led_count, self.light)
        self._text = ""
        on_error = partial(self._report_error, c.PlayTone.name)
        self._tones = Tones(self.sound, self.max_slice, on_error)
        self._wheels = STANDING
        self._motion: Motion | None = None
        self._last_stop: Future[Any] | None = None
        self._mood = Mood()
        self._stimuli = Stimuli(self._on_stimulus)
        self._localization = Localization() if self.has_encoders else None
        self._wall_offset = time.time() - time.monotonic()
        self._was_ready = False
        self._sensors_ready = threading.Event()
        self.connections = 0
        """How often the robot has answered after it had not."""
        self.link = SerialLink(
            opener(port) if isinstance(port, str) else port,
            self.dialect,
            name=self.port,
            on_state=self._on_link_state,
            on_values=self._on_values,
            stop=self.stop_request,
            guarded=guarded,
        )
        self._clock = MotionClock(self.link, self.confirmed_after)
        self._games = Games(self.link, self.lock, self._lights, self._tones, self.report)
        self._telemetry = Telemetry(self.link, self.telemetry, partial(self.report, "telemetry"))
        self.link.start()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.robot_id!r} at {self.port}: {self.link.state}>"

    # What a driver gives.

    @abstractmethod
    def dialect(self, number: int) -> Dialect:
        """How this robot writes and reads."""

    @abstractmethod
    def drive_request(self, left: float, right: float) -> Request:
        """The request that turns the wheels until the next one, percent of full speed."""

    @abstractmethod
    def send_stop(self) -> None:
        """Stop the wheels now, past every queue, so that nothing sent before moves them again."""

    @property
    @abstractmethod
    def stop_request(self) -> Request:
        """What the guard sends to have the wheels stand."""

    @abstractmethod
    def set_up(self) -> None:
        """The robot has just answered (again): ask for its sensors. In the link's thread."""

    @abstractmethod
    def handle_values(self, values: dict[int, Any]) -> None:
        """Take the values that the robot sent unasked, by key. Called with the lock held."""

    @abstractmethod
    def light(self, color: Color, index: int | None) -> Future[Any]:
        """Colour one LED, from 1, or all of them (None). Called with the lock held."""

    @abstractmethod
    def sound(self, frequency: float, seconds: float) -> Future[Any]:
        """Sound one slice of a tone. Called with the lock held."""

    def carry_out(self, command: c.Command) -> Future[Any]:
        """Send a command without a method of its own; returns its answer. With the lock held."""
        raise CommandRejectedError(
            "UNSUPPORTED",
            f"the {self.model} has no {command.name!r} of its own: register a handler for it, with "
            f"@server.command({command.name!r})",
            command=command.name,
        )

    # What a server asks.

    def wait_ready(self, timeout: float = 10.0) -> None:
        """Wait, not in an event loop, until the robot and its sensors have answered.

        Raises:
            ConnectError: it does not answer, with what to do. A sensor that sends nothing is no
                such reason.
        """
        self.link.wait_ready(timeout)
        if not self._sensors_ready.wait(SENSORS_TIMEOUT):
            _log.info("%r: not all sensors have answered within %g s", self, SENSORS_TIMEOUT)

    def finish_set_up(self) -> None:
        """Every sensor was asked for, for the first time."""
        self._sensors_ready.set()

    def state(self) -> dict[str, Any]:
        """The sections of the state, as those of the simulated robot, and two more.

        ``connection``: its ``port``, whether it is ``ready``, else the ``state`` it is in and the
        ``reason``, how many ``attempts`` to open the port have failed in a row, and when the next
        one begins (``next_attempt_at``, Unix ms); whether it is ``guarded``. ``calibration``, of a
        robot with encoders: the ``serial`` number, ``wheel`` and ``track`` in cm by which ``pose``
        is reckoned, and whether they were ``measured``.
        """
        with self.lock:
            senses, mind = self.senses, self._mood.mind
            self._mood.update(senses, self._wheels)
            return {
                "personality": dict(mind.personality),
                "neural_state": {
                    **mind.state(),
                    **{name: senses[key] for name, key in NEURAL.items() if key in senses},
                },
                "capabilities": {
                    "has_drawing": False,
                    "has_sorter": False,
                    "has_games": True,
                    "has_learning_lab": False,
                    "firmware_version": self.link.version or "unknown",
                    "kind": self.kind,
                },
                "motors": {
                    "left": self._wheels[0],
                    "right": self._wheels[1],
                    "moving": self._wheels != STANDING,
                },
                "leds": self._lights.state(),
                "display": {"text": self._text},
                "sound": {"frequency": self._tones.frequency},
                **self._games.state(),
                **({} if self._localization is None else self._localization.state()),
                "connection": connection_section(self.link, self.port, self._wall_offset),
            }

    def telemetry(self) -> dict[str, Any]:
        """The last sensor values, pose and mood; the names are those of the simulated robot."""
        with self.lock:
            self._mood.update(self.senses, self._wheels)
            where = {} if self._localization is None else self._localization.telemetry()
            return {**self.senses, **where, **self._mood.mind.state()}

    def watched(self) -> None:
        """Report the telemetry to a client that has just come."""
        self._telemetry.resend()

    def perform(self, command: c.Command) -> Outcome:
        """Begin one command, unconfirmed yet. A failure is also an `error` event."""
        outcome = self._start_command(command)
        if isinstance(outcome, Future):
            outcome.add_done_callback(partial(self._command_ended, command))
        return outcome

    def submit(self, command: c.Command) -> Future[Any]:
        """Carry out one command; the future ends with its confirmation, motion or error."""
        with self.lock:
            if command.motion:
                self.refuse_if_latched(command.name)
            outcome = self._start_command(command)
        if isinstance(outcome, Motion):
            return outcome.future()
        if isinstance(outcome, Future):
            return outcome
        done: Future[Any] = Future()
        done.set_result(outcome)
        return done

    def calibrate(self, distance: float | None = None, turn: float | None = None) -> dict[str, Any]:
        """Correct the robot's constants by the last motion, whose true size you have measured.

        Args:
            distance: cm, of a motion straight ahead or back.
            turn: degrees, of a motion on the spot.

        Returns:
            The new constants, what the encoders had made of the motion, and the file in which they
                are kept for this robot.

        Raises:
            CommandRejectedError: the robot has no encoders, or what was given or driven is no
                measure.
        """
        if self._localization is None:
            why = "it cannot tell how far it went, so there is nothing to correct"
            raise CommandRejectedError("UNSUPPORTED", f"an {self.kind} has no encoders: {why}")
        with self.lock:
            return self._localization.calibrate(distance, turn)

    def own_commands(self) -> Mapping[str, Callable[..., Any]]:
        """``calibrate``."""
        return {"calibrate": self.calibrate}

    def halt(self) -> None:
        """Have the wheels stand now, and end the motion under way as `stopped`.

        Raises:
            CommandRejectedError: the robot cannot be reached.
        """
        self._stop_wheels()
        self._finish("stopped")
        self._games.stop_show(reachable=self.link.state == "ready")
        self._must_be_reached(
            "stop",
            " (it stood, as far as is known)"
            if self._wheels == STANDING
            else " (it may be driving: lift it, or switch it off)",
        )

    def close(self) -> None:
        """Stop, and give the port back; the thread ends by itself soon after."""
        with self.lock:
            self._stop_wheels()
            self._finish("stopped")
            self._games.stop_show(reachable=False)
        self.link.close()

    # Motion.

    def _start_command(self, command: c.Command) -> Outcome:
        reason = self.unsupported.get(command.name)
        if reason is not None:
            raise CommandRejectedError("UNSUPPORTED", reason, command=command.name)
        if isinstance(command, c.UpdatePersonality):
            event = self._mood.mind.change_personality(command.params())
            self.link.post(lambda: self.report("personality_changed", event))
            return None
        if isinstance(command, c.Void):
            return None
        self._must_be_reached(command.name)
        match command:
            case c.Drive(left=left, right=right, duration=duration):
                return self._drive(left, right, duration)
            case c.Move(wheels=(left, right), duration=duration):
                return self._drive(left, right, duration)
            case c.SetLed():
                return self._lights.set(command)
            case c.PlayTone(frequency=frequency, duration=duration):
                return self._tones.play(frequency, duration)
            case c.StartGame() | c.GameMove() | c.StopGame():
                return self._games.carry_out(command)
        return self.carry_out(command)

    def _must_be_reached(self, command: str, more: str = "") -> None:
        if self.link.state != "ready":
            why = f"the robot cannot be reached: {self.link.reason or 'it has not answered yet'}"
            raise CommandRejectedError("STATE_CONFLICT", why + more, command=command)

    def _drive(self, left: float, right: float, duration: float) -> Motion:
        self._finish("replaced")
        self._motion = motion = Motion(duration)
        if not duration or not (left or right):
            self._stop_wheels()
            self._clock.wait(duration, lambda: self._motion_elapsed(motion))
        else:
            self._wheels = (float(left), float(right))
            if self._localization is not None:
                self._localization.odometry.start_motion()
            self.prepare_motion()
            self._clock.wait(UNSENT_TIMEOUT, lambda: self._motion_never_sent(motion))
            sent = self.link.request(
                self.drive_request(left, right),
                slot=MOTORS,
                what="the motion",
                timeout=CONFIRMED_TIMEOUT,
                on_send=partial(self._motion_sending, motion),
            )
            sent.add_done_callback(partial(self._motion_answered, motion))
        return motion

    def _motion_sending(self, motion: Motion) -> None:
        """Its end is seen to before the first byte that moves the robot."""
        with self.lock:
            if self._motion is motion:
                self._clock.sent(motion.duration, lambda: self._motion_elapsed(motion))

    def _motion_never_sent(self, motion: Motion) -> None:
        why = (
            f"drive was not sent: the robot was busy for {UNSENT_TIMEOUT:g} s with what was asked "
            "of it before; no wheel turned. Try again"
        )
        self._fail_motion(motion, CommandTimeoutError(why, command="drive"))

    def prepare_motion(self) -> None:
        """Clear the way for a motion; called with the lock held."""

    def _motion_elapsed(self, motion: Motion) -> None:
        """In the link's thread, whatever the notebook's loop is doing."""
        with self.lock:
            if self._motion is motion:
                self._stop_wheels()
                self._finish("time")

    def _stop_wheels(self) -> None:
        if self.link.state != "ready":
            self.link.stop_unresponsive()  # whether it stands is not known
            return
        self._wheels = STANDING
        stopped = CommandRejectedError("STOPPED", "a stop came before it was sent", command="drive")
        self.link.drop(MOTORS, stopped)
        self._stop_guarded()

    def _stop_guarded(self) -> None:
        """Also by the guard, until it is confirmed: the stop may be lost, this program killed."""
        self.send_stop()
        self.link.arm(STOPPED_TIMEOUT)

    def _finish(self, how: Ended, error: Exception | None = None) -> None:
        motion, self._motion = self._motion, None
        self._clock.cancel()
        if motion is not None:
            # without the lock, which a listener may want
            self.link.post(lambda: motion.end(how, error))

    def _motion_answered(self, motion: Motion, future: Future[Any]) -> None:
        """It drives; or its confirmation is missing, and it is stopped."""
        error = error_of(future)
        if error is not None:
            assert isinstance(error, Exception)
            self._fail_motion(motion, error)
            return
        with self.lock:
            if self._motion is motion:
                self._clock.confirmed(motion.duration, lambda: self._motion_elapsed(motion))

    def _fail_motion(self, motion: Motion, error: Exception) -> None:
        with self.lock:
            if self._motion is not motion or getattr(error, "code", "") == "STOPPED":
                return  # who stops it, ends it
            self._stop_wheels()
            self._finish("stopped", error)
        self._report_error("drive", error)

    # Events.

    def _command_ended(self, command: c.Command, future: Future[Any]) -> None:
        if (error := error_of(future)) is not None:
            self._report_error(command.name, error)

    def _report_error(self, command: str, error: BaseException) -> None:
        self.report("error", error_event(command, error))

    def watch_stop(self, future: Future[Any]) -> None:
        """Note that the latest stop was confirmed, or report that it was not."""
        self._last_stop = future
        future.add_done_callback(self._stop_ended)

    def _stop_ended(self, future: Future[Any]) -> None:
        if future is not self._last_stop:
            return
        error = error_of(future)
        if error is None:
            with self.lock:
                self._wheels = STANDING if self._motion is None else self._wheels
                if not self._clock.running:
                    self.link.disarm()
        # a next motion takes the place of the stop
        elif self.link.state == "ready" and self._wheels == STANDING:
            self._report_error("stop", error)

    def _on_link_state(self, state: LinkState) -> None:
        """In the link's thread."""
        if state == "ready":
            with self.lock:
                self._was_ready = True
                self.connections += 1
                self.senses.clear()  # they may be out of date
                if self._localization is not None:
                    self._localization.odometry.forget_zero()
                # nothing says that it stands: it may have driven on while the cable was out
                self._stop_guarded()
                self.set_up()
            self.report("robot_connection", {"connected": True, "port": self.port})
            return
        with self.lock:
            was_ready, self._was_ready = self._was_ready, False
            moving = self._wheels != STANDING  # until it has confirmed a stop
            reason = self.link.reason
            gone = "the motion was under way, and nobody can say whether the robot stands"
            self._finish("stopped", DeliveryUnknownError(f"{reason}; {gone}"))
            self._games.stop_show(reachable=False)
        if was_ready and state != "closed":
            event = connection_lost_event(self.port, reason, state, moving=moving)
            self.report("robot_connection", event)

    def _on_values(self, values: dict[int, Any]) -> None:
        with self.lock:
            self.handle_values(values)

    def update_senses(self, **values: Any) -> None:
        """Sensors have new values; called with the lock held. Events come from here."""
        self.senses.update(values)
        self._telemetry.schedule()
        if self._localization is not None:
            self._localization.update(values)
        self._stimuli.update(
            values,
            moving=self._wheels != STANDING,
            forward=sum(self._wheels) > 0,
            sounding=self._tones.echoing,
        )

    def _on_stimulus(self, event: str, data: dict[str, Any]) -> None:
        """A stimulus startles the mind; its event is reported without the lock."""
        if event == "stimulus_detected":
            self._mood.mind.startle(data["strength"])
        self.link.post(lambda: self.report(event, data))

    def set_serial(self, serial: str) -> None:
        """Use what was measured of the robot with this serial number before."""
        try:
            with self.lock:
                if self._localization is not None:
                    self._localization.set_serial(serial)
        except UsageError as error:
            self._report_error("calibrate", error)
