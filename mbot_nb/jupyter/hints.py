"""What to do next, below the errors of Python itself that newcomers meet in a notebook.

Our own errors carry their advice. These are not ours, so the sentence is printed after the
traceback.
"""

from __future__ import annotations

import asyncio
import difflib
import inspect
import re
import traceback
from typing import Any

from ..command_methods import CommandMethods
from ..loops.call import Call
from .cells import shell

__all__ = ["hint", "install"]

_AWAIT_MISSING = "`await` is missing in front of the call that should have brought this."

_HINTS: tuple[tuple[type[BaseException], str, str], ...] = (
    (
        RuntimeError,
        "asyncio.run() cannot be called",
        "a notebook's event loop runs already. Write `await ...` in the cell instead of "
        "`asyncio.run(...)`; where you cannot write await, `mb.run(...)` does the same.",
    ),
    (
        RuntimeError,
        "This event loop is already running",
        "a notebook's event loop runs already. Write `await ...` in the cell instead of "
        "`run_until_complete(...)`; where you cannot write await, `mb.run(...)` does the same.",
    ),
    (
        RuntimeError,
        "different loop",
        "something that was made on one thread's event loop was awaited on another's. Calls of "
        "mbot_nb may be awaited anywhere; "
        "hand your own coroutine over with `bot.home.submit(...)`.",
    ),
    (
        RuntimeError,
        "different event loop",
        "a lock, queue or event that belongs to one thread's event loop was used on another's. "
        "Calls of mbot_nb may be awaited "
        "anywhere; hand your own coroutine over with `bot.home.submit(...)`.",
    ),
    (
        SyntaxError,
        "'await' outside",
        "only a function that begins with `async def` may use `await`: write `async def`, and "
        "`await` where you call it. "
        "A plain function can use `mb.sync.connect()`, whose calls need no await.",
    ),
    (
        SyntaxError,
        "asynchronous comprehension outside",
        "only a function that begins with `async def` may wait: write `async def`, and `await` "
        "where you call it.",
    ),
    (AttributeError, "'coroutine' object has no attribute", _AWAIT_MISSING),
    (
        TypeError,
        "'OpeningCall' object does not support the context manager",
        "write `async with` instead of `with`.",
    ),
    (
        TypeError,
        "does not support the asynchronous context manager protocol",
        "what stands after this `async with` does not wait: leave the `async` out.",
    ),
    (
        TypeError,
        "'EventStream' object is not iterable",
        "events come when they come: write `async for` instead of `for`.",
    ),
    (TypeError, "'coroutine' object", _AWAIT_MISSING),
    (TypeError, "Call' object", _AWAIT_MISSING),
    (
        TypeError,
        "can't be used in 'await' expression",
        "what stands after this `await` does not wait: leave the `await` out.",
    ),
)


def hint(error: BaseException | None) -> str | None:
    """What to do after an error of Python or asyncio; None if there is nothing to say."""
    for kind, words, advice in _HINTS:
        if isinstance(error, kind) and words in str(error):
            return advice
    if isinstance(error, AttributeError) and isinstance(error.obj, CommandMethods):
        return _name_hint(error.obj, error.name or "")
    if isinstance(error, TypeError):
        return _signature_hint(str(error))
    if isinstance(error, asyncio.CancelledError) and any(
        _is_of(module, "mbot_nb") for module in _modules(error)
    ):
        return (
            "the cell was interrupted while it waited. A motion it waited for was stopped; "
            "connections, handlers and recorders go on, and the next cell can be run."
        )
    return None


def _name_hint(bot: object, name: str) -> str:
    """What a robot's remote control has instead of this."""
    names = [other for other in dir(bot) if not other.startswith("_")]
    near = difflib.get_close_matches(name, names, n=3)
    commands = ", ".join(name for name in vars(CommandMethods) if not name.startswith("_"))
    guess = f"did you mean {' or '.join(f'`{name}`' for name in near)}? The" if near else "the"
    return f"{guess} robot's commands are: {commands}. Press Tab after `bot.` for the rest."


def _signature_hint(words: str) -> str | None:
    """How a method of ours is called, if the error is that it was called with something else."""
    called = re.match(r"(\w+)\.(\w+)\(\) (?:got an unexpected|missing|got multiple|takes)", words)
    if called is None:
        return None
    ipython = shell()
    values = list(ipython.user_ns.values()) if ipython is not None else []
    for kind in [kind for value in values for kind in type(value).__mro__]:
        if kind.__name__ == called[1] and _is_of(kind.__module__, "mbot_nb"):
            method = getattr(kind, called[2], None)
            if method is not None:
                _, *parameters = inspect.signature(method).parameters.values()
                bare = [each.replace(annotation=inspect.Parameter.empty) for each in parameters]
                takes = ", ".join(map(str, bare))
                return f"write {called[2]}({takes}); what has a value here may be left out."
    return None


def _modules(error: BaseException) -> list[str]:
    """The modules that an error came through."""
    return [
        str(frame.f_globals.get("__name__", ""))
        for frame, _ in traceback.walk_tb(error.__traceback__)
    ]


def _is_of(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


def install() -> None:
    """Print hints after the errors of this notebook's cells from now on. Idempotent."""
    ipython = shell()
    if ipython is not None and _on_cell_end not in ipython.events.callbacks["post_run_cell"]:
        ipython.events.register("post_run_cell", _on_cell_end)


def _on_cell_end(result: Any = None) -> None:
    error = getattr(result, "error_before_exec", None) or getattr(result, "error_in_exec", None)
    advice = hint(error)
    if error is not None and advice is not None:
        _close_refused_calls(error)
        print(f"What to do: {advice}")
    elif _is_unstarted_coroutine(getattr(result, "result", None)):
        print("What to do: this has not begun yet. Write `await` in front of it.")


def _is_unstarted_coroutine(value: object) -> bool:
    """Whether a cell has shown a coroutine of its user's. A call of ours has its own words."""
    return inspect.iscoroutine(value) and inspect.getcoroutinestate(value) == inspect.CORO_CREATED


def _close_refused_calls(error: BaseException) -> None:
    """Close calls that asyncio refused, so that they do not warn again when collected."""
    for frame, _ in traceback.walk_tb(error.__traceback__):
        if _is_of(str(frame.f_globals.get("__name__", "")), "asyncio"):
            for value in list(frame.f_locals.values()):
                if isinstance(value, Call):
                    value.close()
