"""A form for every command: send it, or queue it and watch the batch fill.

    mb.widgets.CommandPanel(bot)

A form is made from the command's own parameter types. What it sends, it also shows as the line of
code that does the same.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import time
from collections.abc import Callable, Coroutine
from functools import partial
from math import isfinite
from typing import Any, NamedTuple

import msgspec

from ... import commands as c
from ...client import Client, Settled
from ...client.sync import SyncClient
from ...errors import MbotError
from ...jupyter.hints import hint
from ..base.bundle import page_script, page_style
from ..base.live_widget import LiveWidget, rounded
from .command_forms import forms

__all__ = ["CommandPanel"]

MAX_DELAY = 1.0
"""Seconds: a motion that would start later than this after its click (a cell had blocked the
kernel) is not carried out."""
MAX_TIMES = 100
"""Commands that one click may queue."""


class _Click(NamedTuple):
    """One command that somebody has asked for."""

    form: str
    params: dict[str, Any]
    at: float
    """When, by this process's monotonic clock in seconds."""
    stops: int
    """How many stops had come before it."""


class CommandPanel(LiveWidget):
    """Every command of the robot as a form, sent singly or queued, with its answer or error beside
    it.

    Args:
        bot: what `mb.connect()`, `mb.sync.connect()` or `mb.demo()` has given.
        framed: with the robot's name, its connection and a Stop of its own.
    """

    _esm = page_script("command.js")
    _css = page_style("panel.css")
    _description = "a command panel"

    def __init__(self, bot: Client | SyncClient, *, framed: bool = True) -> None:
        self._answers: dict[str, dict[str, Any]] = {}
        self._running: dict[str, set[concurrent.futures.Future[None]]] = {}
        super().__init__(bot, framed=framed)

    def _values(self) -> dict[str, Any]:
        batch = msgspec.to_builtins(self.client.batch)
        return {"batch": batch | {"leaves_in": rounded(batch["leaves_in"], 3)}}

    def _initial_values(self) -> dict[str, Any]:
        return {"forms": forms(), "answers": self._answers}

    def _on_event(self, event: object) -> bool:
        # Nobody waits for a queued command: its refusal comes by itself.
        if isinstance(event, Settled) and (command := event.command).error and not command.reply:
            self._show_answer(command.name, "failed", str(command.error))
        return True

    def _on_request(self, kind: str, content: dict[str, Any]) -> None:
        form, params = content.get("form"), content.get("params")
        if form not in c.ALL:
            return
        if kind == "cancel":
            for run in list(self._running.get(form, ())):
                run.cancel()
        elif kind == "do" and isinstance(params, dict):
            if form in ("stop", "emergency_stop"):
                report = partial(self._answer_to, form)
                self._keep(
                    form, self._stop_control.act(form, content.get("at"), report_with=report)
                )
                return
            click = _Click(form, params, _moment(content.get("at")), self._stop_control.stop_count)
            if self._too_late(click):
                return
            if content.get("queued"):
                self.client.home.post(self._queue, click, int(content.get("times") or 1))
            else:
                self._keep(form, self.client.home.submit(self._perform(click)))

    def _keep(self, form: str, run: concurrent.futures.Future[None] | None) -> None:
        if run is not None:
            runs = self._running.setdefault(form, set())
            runs.add(run)
            run.add_done_callback(runs.discard)

    def _too_late(self, click: _Click) -> bool:
        """Whether it is a motion that must not start any more. The form says why."""
        if not c.ALL[click.form].motion:
            return False
        late = time.monotonic() - click.at
        if late > MAX_DELAY:
            reason = (
                f"The click came {late:.1f} s late, since a cell held the kernel up. Click again."
            )
        elif click.stops != self._stop_control.stop_count:
            reason = "Not started: you stopped after this click. Click again."
        else:
            return False
        self._show_answer(click.form, "failed", reason)
        return True

    # At home, which may have been busy since the click came.

    def _queue(self, click: _Click, times: int) -> None:
        """Into the batch, and show at once how full it is."""
        if self._too_late(click):
            return
        try:
            for _ in range(max(1, min(times, MAX_TIMES))):
                self.client.send(click.form, **click.params)
        except Exception as error:
            self._show_answer(click.form, "failed", advised(error))
            return
        words = "Queued." if times == 1 else f"Queued {times} times."
        self._show_answer(click.form, "queued", words)
        self._send_values()

    async def _perform(self, click: _Click) -> None:
        if not self._too_late(click):
            await self._answer_to(
                click.form, _called(getattr(self.client, click.form), click.params)
            )

    async def _answer_to(self, form: str, answer: Coroutine[Any, Any, Any]) -> None:
        self._show_answer(form, "running", "Under way …")
        try:
            result = await answer
        except asyncio.CancelledError:
            self._show_answer(form, "failed", "Cancelled.")
            raise
        except Exception as error:
            self._show_answer(form, "failed", advised(error))
        else:
            self._show_answer(form, "done", repr(result)[1:-1])

    def _show_answer(self, form: str, state: str, text: str) -> None:
        self._answers[form] = {"state": state, "text": text}
        self._send_unthrottled({"kind": "answer", "form": form, **self._answers[form]})

    def _detach(self) -> None:
        super()._detach()
        for runs in self._running.values():
            for run in list(runs):
                run.cancel()


def advised(error: BaseException) -> str:
    """An error in words, with what to do about it."""
    if isinstance(error, MbotError):
        return str(error)
    advice = hint(error)
    return f"{type(error).__name__}: {error}" + (f". What to do: {advice}" if advice else "")


async def _called(method: Callable[..., Coroutine[Any, Any, Any]], params: dict[str, Any]) -> Any:
    """The method's result; what is wrong with the parameters is raised here, too."""
    return await method(**params)


def _moment(at: Any) -> float:
    """When it was clicked, by this process's clock; now where the page does not know."""
    now = time.monotonic()
    return min(now, at / 1e3) if isinstance(at, (int, float)) and isfinite(at) else now
