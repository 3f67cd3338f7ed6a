"""The best way to put a robot into a notebook.

    import mbot_nb as mb

    server = await mb.serve()                  # a simulated mBot2 at ws://127.0.0.1:4000
    bot = await mb.connect(server.url)         # returns when its whole state is here
    await bot.drive(left=40, right=40, duration=1.5)

The names below load when they are first used, so that importing the package costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .errors import (
    AddressInUseError,
    CommandError,
    CommandExpiredError,
    CommandRejectedError,
    CommandTimeoutError,
    ConnectError,
    DeliveryUnknownError,
    MbotError,
    NotConnectedError,
    ProtocolError,
    SendBufferFullError,
    UsageError,
)
from .version import __version__

if TYPE_CHECKING:
    from . import lab, plots, sync, widgets
    from .client import Client
    from .client.subscriptions import Event
    from .command_methods import CommandResult
    from .demonstration import demo
    from .diagnostics import doctor
    from .embedded.api import connect, serve
    from .embedded.discovery import discover
    from .protocol.settings import Settings
    from .recording.recorder import Recorder
    from .recording.recording import Recording
    from .recording.replay.robot import ReplayRobot
    from .robot import Motion, Robot
    from .robots.serial.cyberpi import CyberPiRobot
    from .robots.serial.mcore import MBotRobot
    from .robots.simulator import SimulatedRobot
    from .server import Server
    from .sync import run

_LAZY = {
    "Client": "client",
    "CommandResult": "command_methods",
    "CyberPiRobot": "robots.serial.cyberpi",
    "Event": "client.subscriptions",
    "MBotRobot": "robots.serial.mcore",
    "Motion": "robot",
    "Recorder": "recording.recorder",
    "Recording": "recording.recording",
    "ReplayRobot": "recording.replay.robot",
    "Robot": "robot",
    "Server": "server",
    "Settings": "protocol.settings",
    "SimulatedRobot": "robots.simulator",
    "connect": "embedded.api",
    "demo": "demonstration",
    "discover": "embedded.discovery",
    "doctor": "diagnostics",
    "lab": "",
    "plots": "",
    "run": "sync",
    "serve": "embedded.api",
    "sync": "",
    "widgets": "",
}

__all__ = [
    "AddressInUseError",
    "Client",
    "CommandError",
    "CommandExpiredError",
    "CommandRejectedError",
    "CommandResult",
    "CommandTimeoutError",
    "ConnectError",
    "CyberPiRobot",
    "DeliveryUnknownError",
    "Event",
    "MBotRobot",
    "MbotError",
    "Motion",
    "NotConnectedError",
    "ProtocolError",
    "Recorder",
    "Recording",
    "ReplayRobot",
    "Robot",
    "SendBufferFullError",
    "Server",
    "Settings",
    "SimulatedRobot",
    "UsageError",
    "__version__",
    "connect",
    "demo",
    "discover",
    "doctor",
    "lab",
    "plots",
    "run",
    "serve",
    "sync",
    "widgets",
]


def __getattr__(name: str) -> Any:
    module = _LAZY.get(name)
    if module is None:
        raise AttributeError(f"mbot_nb has no {name!r}; it has: {', '.join(__all__)}")
    value = (
        getattr(import_module(f".{module}", __name__), name)
        if module
        else import_module(f".{name}", __name__)
    )
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
