"""What there is to connect to on this machine, and why the rest cannot be used: servers, emulated
robots, robots on a cable."""

from __future__ import annotations

import http.client
import os
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from html import escape
from typing import Any, Literal, NamedTuple
from urllib.parse import urlsplit

from ..errors import ConnectError
from ..local import instances
from ..robot import RobotKind

__all__ = ["USB", "Candidate", "Discovery", "candidates", "discover", "examine", "with_code"]

USB = "usb"
"""What an address for a robot on a cable begins with: ``"usb"``, or ``"usb:/dev/ttyUSB0"``."""
NAMES = {"cyberpi": "mBot2", "mbot": "mBot"}
CHIPS = {
    0x1A86: "CH340 or CH9102, as in an mBot or mBot2",
    0x10C4: "CP210x",
    0x0403: "FTDI",
    0x303A: "Espressif",
    0x2341: "Arduino",
}
"""USB vendors whose chips such robots have, or clones of them."""
SERVER_TIMEOUT = 1.0
_EVERY_PORT_ADVICE = "`mb.discover(every_port=True)` asks there too"
SIMULATOR_CALL = "bot = await mb.connect()"
COLUMNS = ("", "what", "robot", "address", "connect with, or why not")


class Candidate(NamedTuple):
    """One thing that may be connected to, or why it cannot."""

    what: Literal["simulator", "server", "emulator", "port"]
    robot: str
    """Which robot it is, as ``mBot2 (firmware 44.01.013)``; empty if there was no answer."""
    address: str
    """The port, or what clients connect to."""
    device: str
    """Of a port: its product, with vendor and product number."""
    why_not: str
    """Why it cannot be used now, and what to do; empty if it can."""
    call: str
    """What connects to it."""
    kind: RobotKind | None = None
    """Which robot answered, or which is emulated."""

    @property
    def usable(self) -> bool:
        """Whether it can be connected to now."""
        return not self.why_not


class Discovery(tuple[Candidate, ...]):
    """Everything that was found, as a table; shows itself in a notebook."""

    seconds: float
    """How long it took."""

    def __new__(cls, found: Iterable[Candidate], seconds: float) -> Discovery:
        made = super().__new__(cls, found)
        made.seconds = seconds
        return made

    @property
    def usable(self) -> list[Candidate]:
        """What can be connected to now, without the simulator, which always can."""
        return [one for one in self if one.usable and one.what != "simulator"]

    def __repr__(self) -> str:
        if not self:
            return "nothing was found"
        rows = [COLUMNS, *(_row(one) for one in self)]
        widths = [max(len(row[at]) for row in rows) for at in range(4)]
        lines = [
            [*(word.ljust(width) for word, width in zip(row[:4], widths, strict=True)), row[4]]
            for row in rows
        ]
        return "\n".join("  ".join(line).rstrip() for line in lines)

    def _repr_html_(self) -> str:
        left = "style='text-align:left;vertical-align:top'"
        head = "".join(f"<th {left}>{word}</th>" for word in COLUMNS)
        body = "".join(_html_row(one, left) for one in self)
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def discover(
    *,
    timeout: float = 8.0,
    every_port: bool = False,
    servers: bool = True,
    ended: threading.Event | None = None,
) -> Discovery:
    """Look for robots: running servers of this user, emulated robots, and serial ports, each of
    which is asked who is there.

    It looks on this machine only. It takes as long as the slowest port, up to ``timeout``: an mBot2
    may need 6 s to start after its port was opened. Nothing is asked at a port whose chip no such
    robot has, unless ``every_port``: other devices there may not like it. It waits; in a cell of
    its own that does no harm, elsewhere `await asyncio.to_thread(mb.discover)` is kinder.

    Args:
        timeout: seconds that a robot is given to answer.
        every_port: ask at every serial port.
        servers: look for servers, too.
        ended: set it in another thread, and it ends within about a second with what was found, and
            gives the ports back.
    """
    began = time.monotonic()
    simulator = Candidate("simulator", "simulated mBot2", "", "", "", SIMULATOR_CALL)
    checks: list[Callable[[], Candidate]] = [lambda: simulator]
    if servers:
        checks += [partial(_check_server, instance) for instance in instances.running("server")]
    checks += [partial(examine, one, timeout, ended) for one in candidates(every_port)]
    with ThreadPoolExecutor(max(1, len(checks)), "mbot_nb-discovery") as threads:
        pending: list[Future[Candidate]] = [threads.submit(check) for check in checks]
        found = [each.result() for each in pending]
    return Discovery(found, time.monotonic() - began)


def candidates(every_port: bool = False) -> list[Candidate]:
    """Emulated robots, whose kind is known, and serial ports, before anybody was asked."""
    from serial.tools import list_ports

    found = []
    for instance in instances.running("emulator"):
        kind: RobotKind = "cyberpi" if instance.name == "cyberpi" else "mbot"
        name, call = f"emulated {NAMES[kind]}", _call(instance.address)
        found.append(Candidate("emulator", name, instance.address, "", "", call, kind))
    for port in sorted(list_ports.comports(), key=lambda port: str(port.device)):
        why = ""
        if port.vid not in CHIPS and not every_port:
            reason = "no USB device" if port.vid is None else "no such robot has this chip"
            why = f"not asked: {reason}; {_EVERY_PORT_ADVICE}"
        found.append(Candidate("port", "", port.device, _device(port), why, _call(port.device)))
    return found


def examine(one: Candidate, timeout: float, ended: threading.Event | None = None) -> Candidate:
    """Probe a port for a robot; an emulator's is only opened. Blocks, until ``ended``."""
    from ..robots.serial.connection.port import open_error, opener
    from ..robots.serial.detection import detect

    if not one.usable:
        return one
    for instance in instances.running("server"):
        if instance.port == one.address:
            return one._replace(
                why_not=f"in use by the server at {instance.address}: await "
                f'mb.connect("{instance.address}")'
            )
    try:
        if one.kind is None:
            answer = detect(one.address, timeout, ended=ended)
            return one._replace(
                robot=f"{NAMES[answer.kind]} (firmware {answer.version})", kind=answer.kind
            )
        try:
            opener(one.address)().close()
        except (OSError, ValueError) as error:
            raise open_error(one.address, error) from None
    except ConnectError as error:
        return one._replace(why_not=str(error))
    return one


def _check_server(instance: instances.Instance) -> Candidate:
    """Whether it still serves. One of this process is not asked: its loop may be waiting here."""
    call = f'bot = await mb.connect("{instance.address}")'
    found = Candidate("server", instance.name, instance.address, "", "", call)
    parts = urlsplit(instance.address)
    if instance.pid == os.getpid() or parts.scheme != "ws":
        return found
    host = parts.hostname or ""
    connection = http.client.HTTPConnection(host, parts.port, timeout=SERVER_TIMEOUT)
    try:
        connection.request("GET", "/")
        connection.getresponse().read(1000)
    except (OSError, http.client.HTTPException) as error:
        return found._replace(
            why_not=f"it does not answer ({type(error).__name__}): is its notebook busy with a "
            "long cell?"
        )
    finally:
        connection.close()
    return found


def _device(port: Any) -> str:
    if port.vid is None:
        return str(port.description if port.description not in (None, "n/a") else "")
    maker = CHIPS.get(port.vid, port.manufacturer or "")
    name = port.product if port.product and port.product != "USB Serial" else maker
    return f"{name} ({port.vid:04X}:{port.pid:04X})".strip()


def _call(address: str) -> str:
    return f'bot = await mb.connect("{USB}:{address}")'


def _row(one: Candidate) -> tuple[str, str, str, str, str]:
    return (
        "+" if one.usable else "-",
        one.what,
        one.robot or one.device or "?",
        one.address or "-",
        one.why_not or one.call,
    )


def _html_row(one: Candidate, left: str) -> str:
    mark = (
        "<b style='color:#2e7d32' title='can be used'>&#10003;</b>"
        if one.usable
        else "<b title='cannot be used'>&#8211;</b>"
    )
    robot = escape(one.robot or "?")
    if one.device:
        robot += f"<br><small>{escape(one.device)}</small>"
    last = f"<code>{escape(one.call)}</code>" if one.usable else with_code(one.why_not)
    address = f"<code>{escape(one.address)}</code>" if one.address else ""
    cells = (mark, escape(one.what), robot, address, last)
    return "<tr>" + "".join(f"<td {left}>{cell}</td>" for cell in cells) + "</tr>"


def with_code(words: str) -> str:
    """Words as HTML, what is between backticks as code."""
    parts = escape(words).split("`")
    return "".join(f"<code>{part}</code>" if at % 2 else part for at, part in enumerate(parts))
