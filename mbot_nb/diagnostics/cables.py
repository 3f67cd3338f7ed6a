"""Serial ports: which there are, who may open them, and what is without a driver."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ..embedded.discovery import CHIPS
from ..local import instances
from .findings import Check

__all__ = ["checks", "permission", "plugged_in_without_port", "ports"]

CONTAINER = Path("/.dockerenv")
"""Is there in a container."""
USB_DEVICES = Path("/sys/bus/usb/devices")
DRIVERS = {
    0x1A86: "ch341",
    0x10C4: "cp210x",
    0x0403: "ftdi_sio",
    0x2341: "cdc_acm",
    0x303A: "cdc_acm",
}
"""The modules of Linux for the chips of such robots, by USB vendor."""
MAKERS_DRIVER = (
    "install the CH340 driver of its maker (WCH: CH341SER), then plug the robot in again"
)


def checks() -> Iterator[Check]:
    """All of this module."""
    from serial.tools import list_ports

    found = sorted(list_ports.comports(), key=lambda port: str(port.device))
    likely = [port for port in found if port.vid in CHIPS]
    yield ports(found, likely)
    for port in likely:
        yield permission(port.device)
    yield from plugged_in_without_port(USB_DEVICES)
    yield from port_conflicts(shutil.which("brltty"))
    yield guard()
    if emulators := instances.running("emulator"):
        yield Check.good(
            "emulated robots", ", ".join(f"{entry.name} at {entry.address}" for entry in emulators)
        )


def ports(found: Sequence[Any], likely: Sequence[Any]) -> Check:
    """Whether a port of a robot is there."""
    if likely:
        ports_text = ", ".join(f"{port.device} ({CHIPS[port.vid]})" for port in likely)
        return Check.good("serial ports", f"{ports_text}; `mb.discover()` asks who is there")
    names = ", ".join(port.device for port in found)
    others = f" ({names} {'is' if len(found) == 1 else 'are'} no robot's)" if found else ""
    if "microsoft" in platform.release().lower():
        remedy = (
            "Windows keeps USB from WSL: in Windows run `usbipd bind --busid BUSID` and "
            "`usbipd attach --wsl --busid BUSID`"
        )
    elif CONTAINER.exists():
        remedy = (
            "in a container no port is seen unless it is passed in: `docker run "
            "--device=/dev/ttyUSB0 ...`"
        )
    elif sys.platform == "win32":
        remedy = (
            "plug the robot in and switch it on; if no COM port appears in the Device "
            f"Manager, {MAKERS_DRIVER}"
        )
    elif sys.platform == "darwin":
        remedy = (
            "plug the robot in and switch it on; macOS 11 and later bring the driver. Else "
            "try another cable: many carry no data"
        )
    else:
        remedy = (
            "plug the robot in and switch it on; if `sudo dmesg` says nothing of it, the "
            "cable carries no data: try another one"
        )
    return Check.warning(
        "serial ports", f"no robot's port is there{others}", f"for a robot on a cable: {remedy}"
    )


def permission(device: str) -> Check:
    """Whether this user may open a port, and the line that allows it."""
    subject = f"port {device}"
    for entry in instances.running("server"):
        if entry.port == device:
            return Check.good(
                subject,
                f'in use by the server at {entry.address}: `await mb.connect("{entry.address}")`',
            )
    if os.name != "posix" or os.access(device, os.R_OK | os.W_OK):
        return Check.good(subject, "may be opened")
    if sys.platform == "darwin":
        return Check.bad(subject, "may not be opened by you", f"`sudo chmod a+rw {device}`")
    group = _group(device)
    found = f"may not be opened by you: it belongs to the group {group}"
    return Check.bad(subject, found, f"`sudo usermod -aG {group} $USER`, then log out and in again")


def plugged_in_without_port(devices: Path) -> Iterator[Check]:
    """Linux: chips of robots on the bus that no driver has made a port of."""
    if not devices.is_dir():
        return
    for device in sorted(devices.iterdir()):
        vendor = _number(device / "idVendor")
        if vendor in CHIPS and not _has_port(device):
            driver = DRIVERS[vendor]
            yield Check.bad(
                "driver",
                f"a {CHIPS[vendor]} is plugged in, and has no port",
                f"`sudo modprobe {driver}`; if there is no such module, install your kernel's "
                "extra modules (Ubuntu: `sudo apt install linux-modules-extra-$(uname -r)`)",
            )


def port_conflicts(brltty: str | None) -> Iterator[Check]:
    """What takes the ports of CH340 away from everybody else."""
    if brltty is not None:
        yield Check.warning(
            "brltty",
            "the braille driver takes ports of the CH340 for its own devices: they vanish as soon "
            "as they appear",
            "unless you need it: `sudo apt remove brltty`, then plug the robot in again",
        )


def guard() -> Check:
    """Whether a killed kernel leaves a robot on a cable driving."""
    if os.name == "posix":
        return Check.good(
            "guard", "a small process stops a robot on a cable when its notebook is killed"
        )
    return Check.warning(
        "guard",
        "this system cannot share an open port: a notebook that is killed leaves a robot driving",
        "stop the robot before you restart the kernel",
    )


def _group(device: str) -> str:
    import grp

    try:
        return grp.getgrgid(os.stat(device).st_gid).gr_name
    except (KeyError, OSError):
        return "dialout"


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text(encoding="ascii"), 16)
    except (OSError, ValueError):
        return None  # no device of its own: a hub's port, an interface


def _has_port(device: Path) -> bool:
    """Of its interfaces, one has a tty: right below, or in a folder of that name."""
    return any(device.glob("*/tty*"))
