"""Connect and disconnect by clicking, and see how the connection is: the way in where nobody has
typed a line yet.

panel = mb.widgets.ConnectPanel()
panel                               # click on Connect
panel.bot                           # the robot, to go on with
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from ...client import Client, Latency
from ...client.connect_errors import advise_in_panel
from ...client.sync import SyncClient
from ...embedded.api import connect, serve
from ...embedded.discovery import USB, Candidate, Discovery, discover
from ...embedded.registry import local_servers
from ...errors import ConnectError, MbotError, NotConnectedError
from ...loops.call import await_if_needed
from ...loops.home import Home
from ..base.bundle import page_script, page_style
from ..base.live_widget import LiveWidget, rounded
from ..base.stop_control import StopControl
from .command import advised

if TYPE_CHECKING:
    import concurrent.futures

    from ...server import Server

__all__ = ["ConnectPanel"]

NOT_CONNECTED = "not connected"
MAX_WINDOW = 10.0
"""Seconds: the longest batch window that may be chosen."""


class ConnectPanel(LiveWidget):
    """Connect to a robot, see how the connection is, and end it.

    Without a robot it makes one, :attr:`bot`. For a given one it shows that one, until it is
    disconnected.

    Args:
        bot: what `mb.connect()`, `mb.sync.connect()` or `mb.demo()` has given; or None.
        on_connect: ``on_connect(bot)``, plain or async, is called with each robot that the panel
            has connected to; what it raises is shown in the panel.
        thread: let what it makes live on the I/O thread, which no cell can block, instead of the
            caller's loop.
        framed: with a Stop of its own; without for one inside of a panel that has it.
    """

    _esm = page_script("connect.js")
    _css = page_style("panel.css")
    _description = "a connection panel"
    variable_name = "panel"
    """What it is called in the cells of whoever sees it."""

    def __init__(
        self,
        bot: Client | SyncClient | None = None,
        *,
        on_connect: Callable[[Client], Any] | None = None,
        thread: bool = False,
        framed: bool = True,
    ) -> None:
        client = bot.client if isinstance(bot, SyncClient) else bot
        self._on_connect = on_connect
        self._doing = ""
        self._since = 0.0
        self._work: concurrent.futures.Future[None] | None = None
        self._failure = ""
        self._discovery: asyncio.Future[Discovery] | None = None
        self._address = ""
        self._lasting_address = ""
        self._choices: list[dict[str, Any]] = []
        if client is None:
            self._home = _home(thread)
        elif hasattr(client, "connection_state"):
            self._home = client.home
            self._address, self._lasting_address = client.url, _lasting_address(client, client.url)
            if client.connection_state == "disconnected":
                self._failure = "The client that was given here is closed. Connect makes a new one."
                client = None
        if client is None:
            client = cast(Client, _NoClient(self._home))
        super().__init__(client, framed=framed)

    @property
    def bot(self) -> Client | None:
        """The robot it is connected to, or connecting to again; None without one."""
        client: object = self.client
        return None if isinstance(client, _NoClient) else self.client

    def _values(self) -> dict[str, Any]:
        client = self.client
        here = self.bot is not None
        lost = self._unreachable() if here and client.connected else None
        next_attempt = lost or self._next_attempt()
        tries = lost or (here and not client.connected and client.connection_state != "error")
        since = round(time.monotonic() - self._since, 1)
        return {
            "doing": {"words": self._doing, "since": since} if self._doing else None,
            "address": self._address,
            "lasting": self._lasting_address,
            "profile": client.profile if client.connected else "",
            "bot": here,
            "attempt": next_attempt["attempt"] if tries else None,
            "wait": next_attempt["wait"],
            "trouble": self._failure or (lost["reason"] if lost else self._trouble()),
            "choices": self._all_choices(),
            "window": rounded(client.settings.batch_window, 3) if here else None,
        }

    def _trouble(self) -> str:
        """Why there is no connection, and what can be done about it here."""
        error = self.client.connection_error
        return "" if error is None else advise_in_panel(error, lost=True)

    def _note(self) -> dict[str, Any] | str:
        return ""  # it says more than the frame's note does

    # From the page, in any thread.

    def _on_request(self, kind: str, content: dict[str, Any]) -> None:
        self._home.post(self._do, kind, content)

    def _do(self, kind: str, content: dict[str, Any]) -> None:
        busy = self._work is not None and not self._work.done()
        if kind == "cancel" and self._work is not None:
            self._work.cancel()
        elif busy:
            self._show_status(f"{self._doing}: wait for it, or cancel it first.", error=True)
        elif kind == "connect" and self.bot is None:
            address = str(content.get("address") or "").strip()
            token = str(content.get("token") or "") or None
            window = content.get("window")
            if not isinstance(window, (int, float)):
                window = 0.1
            work = self._connect(address, token, min(max(0.0, float(window)), MAX_WINDOW))
            self._begin(f"Connecting to {address or 'the simulator in this notebook'}", work)
        elif kind == "discover":
            self._begin("Looking for robots on this machine", self._discover_robots())
        elif kind == "disconnect" and self.bot is not None:
            self._begin("Disconnecting", self._disconnect(self.bot))
        elif kind == "retry" and self.bot is not None:
            self._begin("Trying again", self._retry(self.bot))
        self._request_refresh()

    # At home.

    def _begin(self, words: str, work: Any) -> None:
        self._doing, self._since, self._failure = words, time.monotonic(), ""
        self._show_status("")

        async def run() -> None:
            try:
                await work
            except asyncio.CancelledError:
                self._show_status("Cancelled.")
                raise
            except ConnectError as error:
                self._failure = advise_in_panel(error, lost=self.bot is not None)
            except Exception as error:
                self._failure = advised(error)
            finally:
                self._doing = ""
                self._request_refresh()

        self._work = self._home.submit(run())

    async def _connect(self, address: str, token: str | None, window: float) -> None:
        if self._discovery is not None:
            await asyncio.wait([self._discovery])  # one that was cancelled lets go of its ports
        thread = self._home.is_io_thread
        where = address or _simulator(thread)
        if where is None and local_servers().running():
            # `connect` would take the one that there is, whatever its robot.
            where = await serve(port=0, thread=thread)
        bot = await connect(where, token=token, thread=thread, batch_window=window)
        self._address, self._lasting_address = bot.url, _lasting_address(bot, address)
        self._switch_client(bot)
        self._show_status(
            f"Connected. In cells it is {self.variable_name}.bot, or: "
            f"bot = await mb.connect({bot.url!r})"
        )
        self._home.submit(self._call_user(bot))

    async def _call_user(self, bot: Client) -> None:
        if self._on_connect is None:
            return
        try:
            await await_if_needed(self._on_connect(bot))
        except Exception as error:
            name = getattr(self._on_connect, "__qualname__", repr(self._on_connect))
            self._show_status(f"Connected, but your {name} failed. {advised(error)}", error=True)

    async def _discover_robots(self) -> None:
        """Look for servers and robots on a cable, which takes seconds."""
        ended = threading.Event()
        self._discovery = asyncio.ensure_future(asyncio.to_thread(discover, ended=ended))
        try:
            everything = await asyncio.shield(self._discovery)
        finally:
            ended.set()
        found = [one for one in everything if one.what != "simulator"]
        self._choices = [_choice(one) for one in found]
        usable = sum(one.usable for one in found)
        self._show_status(
            f"{usable} to connect to, beside the simulator."
            if usable
            else "Nothing but the simulator was found."
        )

    def _all_choices(self) -> list[dict[str, Any]]:
        """The servers of this notebook, of which none need be looked for, and what was found."""
        simulator = _simulator(self._home.is_io_thread)
        servers = local_servers().running()
        own = [_own_choice(server) for server in servers if server is not simulator]
        known = {server.url for server in servers}
        return [*own, *(one for one in self._choices if one["address"] not in known)]

    async def _disconnect(self, bot: Client) -> None:
        await bot.close()
        self._show_status("Disconnected.")

    async def _retry(self, bot: Client) -> None:
        """Now, and not at the end of the countdown; what becomes of it shows itself."""
        planned = bot.next_attempt_at
        waiting = asyncio.ensure_future(bot.reconnect())
        try:
            # If this attempt fails, the client goes on by itself, and so does the countdown.
            while not waiting.done() and bot.next_attempt_at in (None, planned):
                await asyncio.wait([waiting], timeout=0.05)
        finally:
            if not waiting.done():
                waiting.cancel()
                await asyncio.wait([waiting])
        error = None if waiting.cancelled() else waiting.exception()
        if error is not None and not isinstance(error, ConnectError):
            raise error

    def _switch_client(self, client: Client) -> None:
        """Show this one from now on."""
        self._untap()
        self._stop_control.end()
        self.client = client
        before = self._stop_control
        self._stop_control = StopControl(client, self._show_status, self._request_refresh)
        self._stop_control.learn_from(before)
        self._untap = client.tap(self._on_client_event)
        self._request_refresh()

    def _connection_changed(self, state: str) -> None:
        if state in ("reconnecting", "connected") and not self._doing:
            self._show_status("")  # what was said of the connection before is not true any more
        if state == "disconnected":
            self._switch_client(cast(Client, _NoClient(self._home)))
        self._request_refresh()

    def _detach(self) -> None:
        super()._detach()
        if self._work is not None:
            self._work.cancel()


class _NoClient:
    """The client of a panel that has none."""

    connection_state = NOT_CONNECTED
    connected = False
    connection_error = None
    next_attempt_at = None
    reconnect_attempts = 0
    profile = url = ""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.state: dict[str, Any] = {}
        self.metadata = {"robotId": ""}
        self.latency = Latency(last=float("nan"), median=float("nan"), p99=float("nan"), count=0)

    def __repr__(self) -> str:
        return "<no robot yet>"

    def tap(self, tap: Callable[[Any], None]) -> Callable[[], None]:
        """Nothing happens to nobody."""
        return lambda: None

    def stop(self) -> Any:
        raise NotConnectedError(
            "there is no robot to stop: this panel is not connected. Click on Connect first."
        )

    emergency_stop = release_stop = stop


def _choice(found: Candidate) -> dict[str, Any]:
    """One thing that was found, as something to choose."""
    cable = found.what in ("port", "emulator")
    name = found.robot or found.device or found.what
    words = f"{name}, {'USB ' if cable else ''}{found.address}"
    address = f"{USB}:{found.address}" if cable else found.address
    return {
        "address": address,
        "words": words if found.usable else f"{words} ({found.why_not})",
        "usable": found.usable,
    }


def _own_choice(server: Server) -> dict[str, Any]:
    """One server of this notebook, as something to choose."""
    port = server.robot.port
    words = f"{server.robot.robot_id}, {f'USB {port}' if port else server.url}, in this notebook"
    return {"address": server.url, "words": words, "usable": True}


def _simulator(thread: bool) -> Server | None:
    """This notebook's newest server of a simulated robot, on the I/O thread if it must be."""
    from ...robots.simulator import SimulatedRobot

    fit = (
        one for one in reversed(local_servers().running()) if one.home.is_io_thread or not thread
    )
    return next((one for one in fit if isinstance(one.robot, SimulatedRobot)), None)


def _lasting_address(bot: Client, asked: str) -> str:
    """The address that still works another day: a cable's port, no server of this notebook."""
    server = local_servers().of(bot)
    if server is None:
        return asked
    return f"{USB}:{server.robot.port}" if server.robot.port else ""


def _home(thread: bool) -> Home:
    """Where a robot is to live that this panel makes: on the caller's loop, if one runs."""
    if not thread:
        try:
            return Home.here()
        except MbotError:
            thread = True  # a plain script or a thread without a loop
    return Home.on_io_thread()
