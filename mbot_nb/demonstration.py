"""`mb.demo()`: a server, a simulated robot that drives a figure, a client and a card."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .client import Client
from .embedded.api import connect, serve
from .local.runtime import Slot
from .loops.call import OpeningCall
from .loops.home import Home
from .loops.kernel import shell

if TYPE_CHECKING:
    from .client.subscriptions import Event
    from .server import Server
    from .widgets import Card

__all__ = ["demo"]

FIGURE = "eight"
"""About eight seconds, within 50 cm of where the robot starts."""


def demo(*, thread: bool = False) -> OpeningCall[Client]:
    """Show a robot that moves: `bot = await mb.demo()`.

    Starts a server with a simulated mBot2 on any free port, connects to it, lets the robot drive a
    figure (about 8 s; it ends by itself, and you need not wait for it) and, in a notebook, displays
    a live card with a Stop button. Running it again replaces the earlier demo. `await bot.close()`
    ends all of it.

    Args:
        thread: let server and client live on the I/O thread, which no cell can block, instead of
            the caller's loop.

    Returns:
        The connected client, to go on with: `await bot.drive(40, 40)`.
    """
    return OpeningCall(Home.here, lambda: _start(thread), "mb.demo()")


async def _start(thread: bool) -> Client:
    earlier = _latest()
    _latest.set(None)
    if earlier is not None and await earlier.replace():
        print("The demo that ran before was replaced by this one.")
    server = await serve(port=0, thread=thread)
    bot = await connect(server, thread=thread)
    demo = _Demo(server, bot)
    _latest.set(demo)
    await bot.set_led(0, 110, 220)
    # The card is there first: to make one may take seconds on a busy machine, and it shows the way
    # only from then on.
    demo.show()
    bot.send("start_drawing", shape=FIGURE)
    await bot.flush()
    return bot


class _Demo:
    """What one call has made, and what belongs to its end."""

    def __init__(self, server: Server, bot: Client) -> None:
        self.server = server
        self.bot = bot
        self.card: Card | None = None
        self._handle: Any = None
        self._shell: Any = None
        self._drawn = False
        bot.subscribe("connection", self._on_connection)
        bot.subscribe("drawing_complete", self._on_drawing_complete)

    def show(self) -> None:
        """Display the card, where there is a notebook to display it in."""
        if not hasattr(shell(), "kernel"):
            print(f"{self.bot!r}. It drives a figure of {FIGURE}; in a notebook you would see it.")
            return
        from IPython.display import display

        from .widgets import Card

        self.card = Card(self.bot)
        self._handle = display(self.card, display_id=True)  # type: ignore[no-untyped-call]
        self._shell = shell()
        self._shell.events.register("post_run_cell", self._on_cell_end)

    async def replace(self) -> bool:
        """End it in favour of a newer one; returns whether there was something to end."""
        bot, server = self.bot, self.server
        if bot.home.loop.is_closed() or server.closed:
            return False
        if self.card is not None:
            self.card.end("Replaced by a newer demo.")
        await bot.close()
        await server.close()
        return True

    def _on_connection(self, event: Event) -> None:
        """The client was closed: so is the server that was made for it."""
        if event["state"] == "disconnected" and not self.server.closed:
            self.bot.home.spawn(self.server.close(), "end of the demo")

    def _on_drawing_complete(self, _: Event) -> None:
        self._drawn = True

    def _on_cell_end(self, _: object = None) -> None:
        """A notebook that nobody looks at while it runs keeps a picture of the figure, not of the
        beginning.

        Done when a cell has run: whoever executes a notebook listens only to the cell that runs.
        """
        card = self.card
        if card is None or not (self._drawn or card.ended):
            return
        self._shell.events.unregister("post_run_cell", self._on_cell_end)
        if not card.seen and card.comm is not None:
            card.refresh_snapshot()
            self._handle.update(card)


_latest: Slot[_Demo | None] = Slot(lambda: None)
"""The demo that the next one replaces."""
