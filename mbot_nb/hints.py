"""What to do next, below the errors of Python itself that newcomers meet in a notebook.

Our own errors say it themselves. These do not come from us, so the sentence is printed after the traceback.
"""

from __future__ import annotations

import traceback
from typing import Any

from .cells import shell
from .home import Call

__all__ = ["hint", "offer"]

_FORGOTTEN = "`await` is missing in front of the call that should have brought this."

_HINTS: tuple[tuple[type[BaseException], str, str], ...] = (
    (
        RuntimeError,
        "asyncio.run() cannot be called",
        "a notebook's event loop runs already. Write `await ...` in the cell instead of `asyncio.run(...)`; "
        "where you cannot write await, `mb.run(...)` does the same.",
    ),
    (
        RuntimeError,
        "This event loop is already running",
        "a notebook's event loop runs already. Write `await ...` in the cell instead of `run_until_complete(...)`; "
        "where you cannot write await, `mb.run(...)` does the same.",
    ),
    (
        RuntimeError,
        "different loop",
        "something that was made on one thread's event loop was awaited on another's. Calls of mbot_nb may be awaited anywhere; "
        "hand your own coroutine over with `bot.home.submit(...)`.",
    ),
    (
        RuntimeError,
        "different event loop",
        "a lock, queue or event that belongs to one thread's event loop was used on another's. Calls of mbot_nb may be awaited "
        "anywhere; hand your own coroutine over with `bot.home.submit(...)`.",
    ),
    (
        SyntaxError,
        "'await' outside",
        "only a function that begins with `async def` may use `await`: write `async def`, and `await` where you call it. "
        "A plain function can use `mb.sync.connect()`, whose calls need no await.",
    ),
    (
        SyntaxError,
        "asynchronous comprehension outside",
        "only a function that begins with `async def` may wait: write `async def`, and `await` where you call it.",
    ),
    (AttributeError, "'coroutine' object has no attribute", _FORGOTTEN),
    (TypeError, "'OpeningCall' object does not support the context manager", "write `async with` instead of `with`."),
    (TypeError, "'EventStream' object is not iterable", "events come when they come: write `async for` instead of `for`."),
    (TypeError, "'coroutine' object", _FORGOTTEN),
    (TypeError, "Call' object", _FORGOTTEN),
    (
        TypeError,
        "can't be used in 'await' expression",
        "what stands after this `await` does not wait: leave the `await` out.",
    ),
)


def hint(error: BaseException | None) -> str | None:
    """What to do after an error of Python or asyncio that a notebook's user meets; None if there is nothing to say."""
    for kind, words, advice in _HINTS:
        if isinstance(error, kind) and words in str(error):
            return advice
    return None


def offer() -> None:
    """Print hints after the errors of this notebook's cells, from now on."""
    ipython = shell()
    if ipython is not None and _after_cell not in ipython.events.callbacks["post_run_cell"]:
        ipython.events.register("post_run_cell", _after_cell)


def _after_cell(result: Any = None) -> None:
    error = getattr(result, "error_before_exec", None) or getattr(result, "error_in_exec", None)
    advice = hint(error)
    if error is not None and advice is not None:
        _hush(error)
        print(f"What to do: {advice}")


def _hush(error: BaseException) -> None:
    """Calls that asyncio was given and refused need not complain once more when they are thrown away."""
    for frame, _ in traceback.walk_tb(error.__traceback__):
        if frame.f_globals.get("__name__", "").startswith("asyncio."):
            for value in list(frame.f_locals.values()):
                if isinstance(value, Call):
                    value.close()
