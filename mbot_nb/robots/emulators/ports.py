"""How an emulator is reached: a pseudo-terminal, or a TCP port for pyserial's ``socket://``."""

from __future__ import annotations

import contextlib
import errno
import os
import select
import socket
from abc import ABC, abstractmethod
from pathlib import Path

from ...errors import UsageError
from ...local import instances

__all__ = ["EmulatedPort", "PtyPort", "TcpPort"]


class EmulatedPort(ABC):
    """One client at a time. No method waits."""

    address: str
    """What pyserial opens."""

    @property
    @abstractmethod
    def descriptor(self) -> int | None:
        """What to wait for until something can be read, if anything."""

    open_count = 0
    """How often the port was opened."""

    @abstractmethod
    def occupied(self) -> bool:
        """Whether a client has the port open; counts the :attr:`open_count`."""

    @abstractmethod
    def read(self) -> bytes:
        """What has arrived."""

    @abstractmethod
    def write(self, data: bytes) -> None:
        """Send; what no client reads is lost."""

    @abstractmethod
    def close(self) -> None:
        """Pull the cable: whoever has the port open sees it vanish."""

    @abstractmethod
    def open(self) -> None:
        """Plug it in (again)."""


class PtyPort(EmulatedPort):
    """A pseudo-terminal; ``link`` is a path that leads to it and stays the same."""

    def __init__(self, link: str | Path | None = None) -> None:
        if os.name != "posix":
            raise UsageError("there are no pseudo-terminals on this system: use --tcp")
        self._link = None if link is None else Path(link).absolute()
        self._path = ""
        self._master: int | None = None
        self._occupied = False
        self.address = ""
        self.open()

    @property
    def descriptor(self) -> int | None:
        return self._master

    def open(self) -> None:
        import pty
        import tty

        self._master, slave = pty.openpty()
        try:
            tty.setraw(slave)  # else what is written before pyserial has set it up is echoed
            os.set_blocking(self._master, False)
            self._path = os.ttyname(slave)
        finally:
            os.close(slave)
        if self._link is None:
            self.address = self._path
            return
        self.address = str(self._link)
        try:
            _place(self._link, self._path)
        except UsageError:
            os.close(self._master)
            raise

    def occupied(self) -> bool:
        if self._master is None:
            self._occupied = False
            return False
        poll = select.poll()
        poll.register(self._master, select.POLLIN)
        occupied = not any(event & select.POLLHUP for _, event in poll.poll(0))
        self.open_count += occupied and not self._occupied
        self._occupied = occupied
        return occupied

    def read(self) -> bytes:
        if self._master is None:
            return b""
        try:
            return os.read(self._master, 4096)
        except OSError as error:
            if error.errno in (errno.EAGAIN, errno.EIO):  # nothing to read, no client
                return b""
            raise

    def write(self, data: bytes) -> None:
        if self._master is not None:
            with contextlib.suppress(OSError):
                os.write(self._master, data)

    def close(self) -> None:
        master, self._master = self._master, None
        link = self._link
        if link is not None and link.is_symlink() and os.readlink(link) == self._path:
            link.unlink()
        if master is not None:
            os.close(master)


def _place(link: Path, path: str) -> None:
    """Let ``link`` lead to ``path``, in place of one that leads to an emulator no more."""
    try:
        if link.is_symlink():
            for other in instances.running("emulator"):
                tcp = other.address.startswith("socket://")
                if not tcp and _where(Path(other.address)) == _where(link):
                    raise UsageError(
                        f"{link} leads to another emulator that runs (process {other.pid}): end "
                        "that one, or choose another path"
                    )
            link.unlink()
        elif link.exists():
            raise UsageError(f"{link} is there already, and is no link: choose another path")
        link.symlink_to(path)
    except OSError as error:
        raise UsageError(
            f"the link {link} cannot be made: {error.strerror}; make the folder {link.parent}, or "
            "choose a path in a folder of your own"
        ) from None


def _where(link: Path) -> Path:
    """The same for every path to a link, which itself is not followed."""
    return link.parent.resolve() / link.name


class TcpPort(EmulatedPort):
    """A TCP port of this machine; the first client has it."""

    def __init__(self, port: int = 0) -> None:
        self._port = port
        self._listener: socket.socket | None = None
        self._client: socket.socket | None = None
        self.open()

    @property
    def descriptor(self) -> int | None:
        chosen = self._client or self._listener
        return None if chosen is None else chosen.fileno()

    def open(self) -> None:
        try:
            self._listener = socket.create_server(("127.0.0.1", self._port), backlog=1)
        except OSError as error:
            why = os.strerror(error.errno or 0)
            raise UsageError(
                f"TCP port {self._port} of this machine cannot be served: {why}; choose another "
                "one with --tcp, or 0 for any that is free"
            ) from None
        self._listener.setblocking(False)
        self._port = self._listener.getsockname()[1]
        self.address = f"socket://127.0.0.1:{self._port}"

    def occupied(self) -> bool:
        if self._client is None and self._listener is not None:
            with contextlib.suppress(BlockingIOError):
                self._client, _ = self._listener.accept()
                self._client.setblocking(False)
                self.open_count += 1
                self._client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self._client is not None

    def read(self) -> bytes:
        if self._client is None:
            return b""
        try:
            data = self._client.recv(4096)
        except BlockingIOError:
            return b""
        except OSError:
            data = b""
        if not data:
            self._client.close()
            self._client = None
        return data

    def write(self, data: bytes) -> None:
        if self._client is not None:
            with contextlib.suppress(OSError):
                self._client.send(data)

    def close(self) -> None:
        for each in (self._client, self._listener):
            if each is not None:
                each.close()
        self._client = self._listener = None
