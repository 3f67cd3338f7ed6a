"""Opening a serial port, whatever stands behind it, and waiting for its bytes.

Anything that has the four members of :class:`Port` will do: pyserial's ports with all their
addresses (``/dev/ttyUSB0``, ``COM3``, ``socket://host:port``, ``rfc2217://host:port``,
``loop://``), or another library's.
"""

from __future__ import annotations

import contextlib
import errno
import os
import select
import socket
import sys
from collections.abc import Callable
from typing import Protocol

from ....errors import ConnectError

__all__ = ["BAUD", "OpenPort", "Port", "WakeablePort", "open_error", "opener", "usb_serial"]

BAUD = 115200
POLL = 0.01
"""Seconds a port without a file descriptor is waited for at a time."""
WRITE_TIMEOUT = 1.0


class Port(Protocol):
    """What is needed of a serial port. Every method may raise :class:`OSError`: it is gone then."""

    def read(self, size: int = 1, /) -> bytes:
        """Up to ``size`` bytes; it may wait for its own timeout, which must be short."""

    def write(self, data: bytes, /) -> int | None:
        """Send all of them."""

    @property
    def in_waiting(self) -> int:
        """Bytes that can be read without waiting."""

    def close(self) -> None:
        """Give it back."""


OpenPort = Callable[[], Port]
"""Opens the same port again each time; raises :class:`OSError` if it cannot."""


def opener(address: str, baud: int = BAUD) -> OpenPort:
    """Opens ``address`` with pyserial, DTR and RTS low: raising them resets many boards."""

    def open_port() -> Port:
        import serial

        # pyserial has no write timeout for these
        longest = None if address.startswith("rfc2217://") else WRITE_TIMEOUT
        port = serial.serial_for_url(
            address, do_not_open=True, baudrate=baud, timeout=POLL, write_timeout=longest
        )
        port.dtr = False
        port.rts = False
        if os.name == "posix" and "://" not in address:
            port.exclusive = True
        port.open()
        return port

    return open_port


def usb_serial(address: str) -> str:
    """The serial number of the USB device at a port, or "": many have none (no CH340 has one)."""
    from serial.tools import list_ports

    path = os.path.realpath(address)
    numbers = [port.serial_number for port in list_ports.comports() if port.device == path]
    return numbers[0] or "" if numbers else ""


def open_error(address: str, error: BaseException) -> ConnectError:
    """What an error at opening means, and what to do about it on this system."""
    number, text = getattr(error, "errno", None), str(error)

    def means(*signs: int | str) -> bool:
        return any(sign in text if isinstance(sign, str) else sign == number for sign in signs)

    if means(errno.EACCES, errno.EPERM, "PermissionError", "Access is denied"):
        if sys.platform == "win32":
            hint = (
                "another program has it open (mBlock, a serial monitor, another notebook): "
                "close that one"
            )
        elif sys.platform == "darwin":
            hint = "another program may have it open: close mBlock and other notebooks"
        else:
            hint = (
                "your user may not use serial ports: run `sudo usermod -aG dialout $USER`, then "
                "log out and in again"
            )
        return ConnectError(f"{address} may not be opened ({text}): {hint}")
    if means(errno.EBUSY, errno.EAGAIN, errno.EWOULDBLOCK, "exclusively lock", "Resource busy"):
        return ConnectError(
            f"{address} is in use by another program (mBlock, a serial monitor, another "
            "notebook): close that one"
        )
    if "://" in address:
        return ConnectError(
            f"nothing can be reached at {address} ({text}): start what serves the robot there"
        )
    if means(errno.ENOENT, errno.ENXIO, errno.ENODEV, "FileNotFoundError"):
        hint = (
            "plug the cable in; if the port never appears, the cable carries no data or the "
            "driver for the CH340 is missing"
        )
        return ConnectError(f"there is no port {address}: {hint}")
    return ConnectError(
        f"{address} could not be opened ({text}): unplug the cable, plug it in again, and try "
        "once more"
    )


class Waker:
    """Ends a wait from another thread."""

    def __init__(self) -> None:
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)

    def wake(self) -> None:
        """End the wait under way, or the next one."""
        with contextlib.suppress(OSError):  # awake for long enough, or closed
            self._writer.send(b"x")

    def wait(self, timeout: float | None) -> None:
        """Wait until woken, or for so many seconds."""
        select.select([self._reader], [], [], timeout)
        self.clear()

    def clear(self) -> None:
        """What woke until now is known. What does not fit wakes once more."""
        with contextlib.suppress(BlockingIOError):  # nothing did
            self._reader.recv(4096)

    def fileno(self) -> int:
        """For select."""
        return self._reader.fileno()

    def close(self) -> None:
        """Give the sockets back."""
        self._reader.close()
        self._writer.close()


class WakeablePort:
    """An open port, and the wait for its bytes that a :class:`Waker` can end."""

    def __init__(self, port: Port, waker: Waker) -> None:
        self.port = port
        self._waker = waker
        self.descriptor = _descriptor(port)
        """Of a port that can be waited for like a file, else None."""

    def wait(self, timeout: float | None) -> bytes:
        """Bytes as soon as there are any; none when woken, or when so many seconds are over.

        Raises:
            OSError: the port is gone.
        """
        if self.descriptor is None:
            return self._poll(timeout)
        waker = self._waker.fileno()
        ready, _, _ = select.select([self.descriptor, waker], [], [], timeout)
        if waker in ready:
            self._waker.clear()
        if self.descriptor not in ready:
            return b""
        try:
            data = os.read(self.descriptor, 4096)
        except BlockingIOError:
            return b""
        if not data:
            raise OSError(errno.ENXIO, "the port was unplugged")
        return data

    def _poll(self, timeout: float | None) -> bytes:
        """Read once: the port's own timeout bounds the wait."""
        if select.select([self._waker], [], [], 0)[0]:
            self._waker.clear()
            timeout = 0
        waiting = self.port.in_waiting
        if not waiting and timeout == 0:
            return b""
        data = self.port.read(max(1, waiting))
        more = self.port.in_waiting if data else 0
        return bytes(data + self.port.read(more) if more else data)

    def write(self, data: bytes) -> None:
        """Send all of it; :class:`OSError` when the port is gone or takes nothing."""
        if self.descriptor is not None:
            # Without pyserial, which waits after each write; a frame nearly always fits at once.
            with contextlib.suppress(BlockingIOError):
                data = data[os.write(self.descriptor, data) :]
            if not data:
                return
        self.port.write(data)

    def close(self) -> None:
        """Give the port back."""
        with contextlib.suppress(OSError):  # it was gone before
            self.port.close()


def _descriptor(port: Port) -> int | None:
    if os.name != "posix":
        return None  # only sockets can be waited for there
    try:
        return int(port.fileno())  # type: ignore[attr-defined]
    except (AttributeError, OSError, ValueError):
        return None
