"""What has to be known to understand a run, and to do it again."""

from __future__ import annotations

import platform
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

import msgspec

from ...client import Client
from ...embedded.route import Route
from ...jupyter import cells
from ...server import Server
from ...version import __version__

if TYPE_CHECKING:
    from ...protocol.settings import Settings
    from ...robot import Robot

__all__ = ["batching", "describe"]

FORMAT = 1
_PACKAGES = ("msgspec", "websockets", "numpy", "pandas", "pyarrow", "ipykernel")


def describe(
    source: Client | Server, *, wall_offset: float, started: float, recorder: dict[str, Any]
) -> dict[str, Any]:
    """The metadata of a recorder's run: versions, what was recorded, settings, seeds, clocks, the
    notebook cell if known."""
    side: dict[str, Any]
    server: Server | None
    settings: Settings = source.settings
    home = "I/O thread" if source.home.is_io_thread else "the caller's loop"
    offset: dict[str, float] | None = None
    if isinstance(source, Client):
        route = Route.of(source)
        server = route.server
        clock = source.clock_estimate(started)
        side = {
            "side": "client",
            "url": source.url,
            "profile": source.profile,
            "home": home,
            "robot": source.metadata,
            "networks": route.networks,
            "batching": [{**batching(source), "since_s": started}],
        }
        if clock is not None:
            offset = {"server_ahead_s": clock.ahead, "bound_s": clock.bound}
    else:
        server = source
        side = {
            "side": "server",
            "url": source.url,
            "home": home,
            "robot": {"robotId": source.robot.robot_id, "version": source.version},
            "networks": [],
        }
    cell = cells.current()
    found = {
        "format": FORMAT,
        "versions": _versions(),
        "machine": {
            "system": platform.system(),
            "release": platform.release(),
            "processor": platform.machine(),
        },
        **side,
        "settings": msgspec.to_builtins(settings),
        "seed": None if server is None else _seed(server.robot),
        "clocks": {
            "monotonic": "time.monotonic(), in columns that end in _s",
            "wall_offset_s": wall_offset,
            "started_s": started,
            "started": datetime.fromtimestamp(started + wall_offset, UTC).isoformat(
                timespec="milliseconds"
            ),
            "offset": offset,
        },
        "recorder": recorder,
        "cell": None if cell is None else {"id": cell.id, "run": cell.run, "source": _source()},
    }
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(found))
    return plain


def batching(client: Client) -> dict[str, Any]:
    """How this client's commands share frames now, with the names of its settings."""
    now = client.batch
    return {
        "batch_window": now.window,
        "max_batch_size": now.size,
        "batch_policy": now.policy,
    }


@cache
def _versions() -> Mapping[str, str]:
    found = {"mbot_nb": __version__, "python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _seed(robot: Robot) -> int | None:
    """The seed of a robot in this process, if it has one."""
    seed = getattr(robot, "seed", None)
    return seed if isinstance(seed, int) else None


def _source() -> str | None:
    """The text of the cell that is running."""
    shell = cells.shell()
    history = getattr(shell, "user_ns", {}).get("In") if shell is not None else None
    if isinstance(history, list) and history and "ipykernel" in sys.modules:
        return str(history[-1])
    return None
