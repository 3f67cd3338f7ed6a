"""What a Stop on a page does, how long it took, and whether it reaches the robot while a cell
blocks.

Whether a callback runs while a cell blocks depends on the kernel: on ipykernel 7.1 to 7.3 it comes
in a thread of its own, on 6.31 and 7.4 it waits for the cell. Where it waits, the page may reach a
server on the I/O thread by itself.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from ...embedded.registry import local_servers
from ...errors import MbotError

if TYPE_CHECKING:
    import concurrent.futures

    from ...client import Client

__all__ = ["StopControl", "unreachable"]

_log = logging.getLogger("mbot_nb")

POLL_INTERVAL = 0.005
"""Seconds between two checks whether the robot has stopped."""
REST_TIMEOUT = 5.0
"""Seconds after which nobody waits for it to stand any more."""
MAX_CLICK_AGE = 60.0
"""Seconds; the time of a click that claims to be older, or in the future, is ignored."""

WORDS = {
    "stop": ("Stop is given.", "Stopped."),
    "emergency_stop": ("Stop is given.", "Stopped. It stays so until you release it."),
    "release": ("Release is given.", "Released: the robot may move again."),
}


Answer: TypeAlias = Coroutine[Any, Any, Any]
"""What is awaited for the answer of a robot."""


class ShowStatus(Protocol):
    """Show something on the page."""

    def __call__(self, text: str, *, error: bool = False) -> None: ...


class StopControl:
    """The stops of one widget. ``request_refresh`` is called at the client's home."""

    def __init__(
        self, client: Client, show_status: ShowStatus, request_refresh: Callable[[], None]
    ) -> None:
        self._client = client
        self._show_status = show_status
        self._request_refresh = request_refresh
        self._waits: set[concurrent.futures.Future[None]] = set()
        self.stop_count = 0
        """How many stops came so far: what was clicked before one must not start after it."""
        self.last_stop: dict[str, Any] | None = None
        """How long the last stop took: ``seconds`` from what it came ``after`` to standing still,
        None for a robot that stood already; ``exact`` if the robot itself says since when it
        stands."""
        self._in_own_thread: bool | None = None
        self._availability: str | None = None
        self._while_awaiting = True

    # What it can do.

    def on_message(self) -> None:
        """Note in which kind of thread a message of the page has come."""
        ipykernel = sys.modules.get("ipykernel")
        version = getattr(ipykernel, "version_info", (0,))
        # 7.4 brings some messages in another thread and yet lets them wait for the cell. On 7.3 the
        # first ones of a page may come before it has made their thread.
        in_own_thread = threading.current_thread() is not threading.main_thread() and version < (
            7,
            4,
        )
        if in_own_thread is not self._in_own_thread:
            self._in_own_thread = in_own_thread
            self._while_awaiting = version >= (7,)
            self._availability = None
            self._client.home.post(self._request_refresh)

    def learn_from(self, other: StopControl) -> None:
        """How messages of the page come, as another one's have come already."""
        self._in_own_thread, self._while_awaiting = other._in_own_thread, other._while_awaiting
        self._availability = None

    def connection_changed(self) -> None:
        """Another server may be behind the same address."""
        self._availability = None

    @property
    def availability(self) -> str:
        """Whether a stop on the page reaches the robot while a cell runs.

        ``yes``: always. ``direct``: if the page can connect to its server on the I/O thread.
        ``awaits``: while the cell awaits and does not block. ``direct_awaits``: the same, if the
        page can connect. These two end in ``_cable`` for a robot on one, which `connect("usb")`
        serves. ``elsewhere``: once the click is heard, since the server is in another process; that
        may be when a cell that blocks ends. ``never``: it waits for the end of the cell.
        ``unknown``: no message of the page has come yet. ``nobody``: there is no robot.
        """
        if self._availability is None:
            self._availability = self._find_availability()
        return self._availability

    def _find_availability(self) -> str:
        if not self._client.url:
            return "nobody"
        if self._in_own_thread or "ipykernel" not in sys.modules:
            return "yes"
        if self._in_own_thread is None:
            return "unknown"
        server = local_servers().of(self._client)
        if server is not None and server.home.is_io_thread:
            return "direct"
        if server is None:
            return "elsewhere" if self._while_awaiting else "never"
        return ("awaits" if self._while_awaiting else "direct_awaits") + (
            "_cable" if server.robot.port else ""
        )

    def direct_route(self) -> dict[str, Any]:
        """How the page reaches the robot's server, and recognises it; in any thread."""
        server = local_servers().of(self._client)
        if server is None or not self.availability.startswith("direct"):
            return {"url": None}
        return {
            "url": server.url,
            "token": server.token,
            "robot": server.robot.robot_id,
            "uptime": round(server.uptime * 1e3),
        }

    # What it does.

    def act(
        self,
        kind: str,
        at: Any,
        *,
        quietly: bool = False,
        report_with: Callable[[Answer], Coroutine[Any, Any, None]] | None = None,
    ) -> concurrent.futures.Future[None] | None:
        """Do it here and now, in whatever thread: a stop waits for no loop. Only its answer does.

        ``at`` is when it was clicked, in ms of this process's monotonic clock, as far as the page
        knows it. ``quietly``: only what goes wrong is said. ``report_with`` awaits the answer, and
        says what became of it in another way. Returns the wait for it.
        """
        received = time.monotonic()
        self.stop_count += kind != "release"
        clicked = _moment(at, received)
        client = self._client
        try:
            if kind == "release":
                asked = client.release_stop()
            else:
                asked = client.emergency_stop() if kind == "emergency_stop" else client.stop()
            if not quietly and report_with is None:
                self._show_status(WORDS[kind][0])
            if report_with is None:
                report = self._submit(self._report_outcome(asked, kind, quietly))
            else:
                report = self._submit(report_with(asked))
            if kind != "release":
                after = "arrival" if clicked is None else "letting go" if quietly else "click"
                began = received if clicked is None else clicked
                self._submit(self._wait_until_it_stands(began, after))
            if asked.fallback is not None:
                self._keep(asked.fallback).add_done_callback(self._on_fallback_stop)
            return report
        except Exception as error:
            _log.debug("a stop of the page failed", exc_info=error)
            what = "released" if kind == "release" else "stopped"
            self._show_status(f"Not {what}: {error}", error=True)
            return None

    def end(self) -> None:
        """Wait for nothing any more."""
        for wait in list(self._waits):
            wait.cancel()

    def _submit(self, coroutine: Coroutine[Any, Any, None]) -> concurrent.futures.Future[None]:
        return self._keep(self._client.home.submit(coroutine))

    def _keep(self, wait: concurrent.futures.Future[None]) -> concurrent.futures.Future[None]:
        self._waits.add(wait)
        wait.add_done_callback(self._waits.discard)
        return wait

    def _on_fallback_stop(self, done: concurrent.futures.Future[None]) -> None:
        """A stop that went past the client's home, which is blocked, may have failed."""
        error = None if done.cancelled() else done.exception()
        if error is not None:
            self._show_status(str(error), error=True)

    async def _report_outcome(self, asked: Answer, kind: str, quietly: bool) -> None:
        """Show on the page what became of it."""
        try:
            await asked
        except MbotError as error:
            self._show_status(str(error), error=True)
            return
        if not quietly and (kind == "release" or unreachable(self._client) is None):
            self._show_status(WORDS[kind][1])

    async def _wait_until_it_stands(self, began: float, after: str) -> None:
        server = local_servers().of(self._client)
        robot = None if server is None else server.robot
        exact = hasattr(robot, "at_rest_since")
        moved = exact or _moving(self._client)
        deadline = time.monotonic() + REST_TIMEOUT
        reported = False
        while time.monotonic() < deadline:
            if (lost := unreachable(self._client)) is not None:
                # Nobody knows whether it is at rest; what was known of an earlier stop is outdated.
                if not reported:
                    reported = True
                    self._show_status(
                        f"Not stopped: the robot cannot be reached: {lost.get('reason', '')}. "
                        "Lift it, or switch it off.",
                        error=True,
                    )
                if self.last_stop is not None:
                    self.last_stop = None
                    self._request_refresh()
                await asyncio.sleep(POLL_INTERVAL)
                continue
            rested = robot.at_rest_since if exact else self._seen_at_rest()  # type: ignore[union-attr]
            if rested is not None:
                took = rested - began if moved and rested > began else None
                self.last_stop = {
                    "seconds": None if took is None else round(took, 4),
                    "exact": exact,
                    "after": after,
                    "at": round(began, 3),
                }
                self._request_refresh()
                return
            await asyncio.sleep(POLL_INTERVAL)

    def _seen_at_rest(self) -> float | None:
        """Now, if its state says that it is at rest."""
        return None if _moving(self._client) else time.monotonic()


def unreachable(client: Client) -> Mapping[str, Any] | None:
    """What the state tells of the connection of a robot that its server cannot reach, as by a
    pulled cable; None if it can."""
    connection: Mapping[str, Any] | None = client.state.get("connection")
    return None if connection is None or connection.get("ready", True) else connection


def _moving(client: Client) -> bool:
    return bool((client.state.get("motors") or {}).get("moving"))


def _moment(at: Any, now: float) -> float | None:
    """The time of a click, if it can be believed."""
    if not isinstance(at, (int, float)) or not now - MAX_CLICK_AGE < at / 1e3 < now + 0.05:
        return None  # also of what is no number at all
    return min(at / 1e3, now)
