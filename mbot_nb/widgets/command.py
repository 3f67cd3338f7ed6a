"""A form for every command: send it, or queue it and watch the batch fill.

    mb.widgets.CommandPanel(bot)

A form is made from the command's own parameter types. What it sends, it also shows as the line of code that does the same.
"""

from __future__ import annotations

import asyncio
import time
from functools import cache
from typing import TYPE_CHECKING, Any

import msgspec

from .. import commands as c
from ..errors import MbotError
from ..hints import hint
from .forms import forms
from .live import LiveWidget, page_style, page_text, rounded

if TYPE_CHECKING:
    import concurrent.futures

    from ..client import Client
    from ..sync import SyncClient

__all__ = ["CommandPanel"]

STALE = 1.0
"""Seconds: a motion whose click comes later than this (a cell had blocked the kernel) is not carried out any more."""
MOST_TIMES = 100
"""Commands that one click may queue."""


class CommandPanel(LiveWidget):
    """Every command of the robot as a form, sent singly or queued, with its answer or error beside it.

    Args:
        bot: what `mb.connect()`, `mb.sync.connect()` or `mb.demo()` has given.
        framed: with the robot's name, its connection and a Stop of its own; without for one inside of a panel that has them.
    """

    _esm = page_text("panel.js", "command.js")
    _css = page_style("panel.css")
    _words = "a command panel"

    def __init__(self, bot: Client | SyncClient, *, framed: bool = True) -> None:
        self._answers: dict[str, dict[str, Any]] = {}
        self._running: dict[str, set[concurrent.futures.Future[None]]] = {}
        super().__init__(bot, framed=framed)

    def _values(self) -> dict[str, Any]:
        batch = msgspec.to_builtins(self._client.batch)
        return {"batch": batch | {"leaves_in": rounded(batch["leaves_in"], 3)}}

    def _whole(self) -> dict[str, Any]:
        return {"forms": _forms(), "answers": self._answers}

    def _happened(self, event: object) -> bool:
        # Nobody waits for a queued command: its refusal comes by itself.
        command = getattr(event, "command", None)
        if command is not None and command.error is not None and not command.reply:
            self._tell(command.name, "failed", str(command.error))
        return True

    def _asked(self, kind: str, content: dict[str, Any]) -> None:
        form, params = content.get("form"), content.get("params")
        if form not in c.ALL:
            return
        if kind == "cancel":
            for run in list(self._running.get(form, ())):
                run.cancel()
        elif kind == "do" and isinstance(params, dict):
            late = _late(content.get("at"))
            if c.ALL[form].motion and late > STALE:
                self._tell(form, "failed", f"The click came {late:.1f} s late, since a cell held the kernel up. Click again.")
            elif content.get("queued"):
                self._client.home.post(self._queue, form, params, int(content.get("times") or 1))
            else:
                self._begin(form, params)

    # At home, but for `_begin`.

    def _queue(self, form: str, params: dict[str, Any], times: int) -> None:
        """Into the batch, and show at once how full it is."""
        try:
            for _ in range(max(1, min(times, MOST_TIMES))):
                self._client.send(form, **params)
        except Exception as error:
            self._tell(form, "failed", advised(error))
            return
        self._tell(form, "queued", "Queued." if times == 1 else f"Queued {times} times.")
        now = self._values()
        self._sent.update(now)
        self._answer({"kind": "changed", **now})

    def _begin(self, form: str, params: dict[str, Any]) -> None:
        run = self._client.home.submit(self._perform(form, params))
        runs = self._running.setdefault(form, set())
        runs.add(run)
        run.add_done_callback(runs.discard)

    async def _perform(self, form: str, params: dict[str, Any]) -> None:
        self._tell(form, "running", "Under way …")
        try:
            result = await getattr(self._client, form)(**params)
        except asyncio.CancelledError:
            self._tell(form, "failed", "Cancelled.")
            raise
        except Exception as error:
            self._tell(form, "failed", advised(error))
        else:
            self._tell(form, "done", repr(result)[1:-1])

    def _tell(self, form: str, state: str, text: str) -> None:
        self._answers[form] = {"state": state, "text": text}
        self._answer({"kind": "answer", "form": form, "state": state, "text": text})

    def _let_go(self) -> None:
        super()._let_go()
        for runs in self._running.values():
            for run in list(runs):
                run.cancel()


def advised(error: BaseException) -> str:
    """An error in words, with what to do about it."""
    if isinstance(error, MbotError):
        return str(error)
    advice = hint(error)
    return f"{type(error).__name__}: {error}" + (f". What to do: {advice}" if advice else "")


def _late(at: Any) -> float:
    """How many seconds ago the click was, by this process's clock; 0 where the page does not know."""
    return max(0.0, time.monotonic() - at / 1e3) if isinstance(at, (int, float)) else 0.0


@cache
def _forms() -> list[dict[str, Any]]:
    return forms()
