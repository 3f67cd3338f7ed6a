"""What the user of a notebook can still reach: through names, widgets on the page, and code that
is running.

Searched by hand, not left to the garbage collector: IPython's own references (`Out`, `_`) and a
client's own (its connection, its handlers) keep a client alive that nobody uses any more.
"""

from __future__ import annotations

import asyncio
import inspect
import re
import sys
import traceback
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from types import CoroutineType, FrameType, FunctionType, GeneratorType, MethodType, ModuleType
from typing import Any

__all__ = ["is_reachable", "live_widgets", "named_objects", "objects_in_running_code"]

_IPYTHON_NAMES = re.compile(r"_+|_\d+|_i+|_i\d+|_oh|_dh|_ih|Out|In|get_ipython|exit|quit")
"""The names of IPython's own references, and of its shell, which leads to all of them."""
_MAX_LENGTH = 10_000
_MAX_VISITED = 50_000
"""Objects that are visited; what leads to more than this may hold anything."""
_INTERNAL_MODULES = ("mbot_nb.", "asyncio.", "_asyncio", "threading", "concurrent.")
_OPAQUE_TYPES = (ModuleType, type, str, bytes, int, float)


def named_objects(user_ns: Mapping[str, Any]) -> list[object]:
    """The values of the user's names."""
    return [value for name, value in list(user_ns.items()) if not _IPYTHON_NAMES.fullmatch(name)]


def live_widgets() -> list[object]:
    """The widgets that are not closed: what one shows or calls is in use."""
    widgets = sys.modules.get("ipywidgets.widgets.widget")
    return list(widgets._instances.values()) if widgets is not None else []


def objects_in_running_code(user_ns: Mapping[str, Any]) -> list[object]:
    """The local variables of the user's functions that are running, in tasks and threads."""
    try:
        tasks = asyncio.all_tasks()
    except RuntimeError:
        tasks = set()  # no loop runs here
    found: list[object] = []
    for task in tasks:
        inner: Any = task.get_coro()
        while inner is not None:
            found += _locals(getattr(inner, "cr_frame", None), user_ns)
            inner = getattr(inner, "cr_await", None)
    for frame in sys._current_frames().values():
        for outer, _ in traceback.walk_stack(frame):
            found += _locals(outer, user_ns)
    return found


def is_reachable(thing: object, roots: Iterable[object], depth: int) -> bool:
    """Whether a thing is one of the roots, or held by one of them, at most ``depth`` steps away."""
    level, seen = list(roots), set()
    for _ in range(depth + 1):
        following: list[object] = []
        for value in level:
            if value is thing:
                return True
            if id(value) not in seen and not isinstance(value, _OPAQUE_TYPES):
                seen.add(id(value))
                following += _parts(value)
        if len(seen) > _MAX_VISITED:
            return True
        level = following
    return False


def _locals(frame: FrameType | None, user_ns: Mapping[str, Any]) -> list[object]:
    """The variables of a function of the user's; a cell's are his names."""
    if frame is None or frame.f_globals is not user_ns or frame.f_locals is user_ns:
        return []
    return list(frame.f_locals.values())


def _parts(value: object) -> list[object]:
    """What a user's list, dict, object, method, function or generator holds."""
    if isinstance(value, Mapping):
        return list(value.values()) if len(value) < _MAX_LENGTH else []
    if isinstance(value, (list, tuple, set, frozenset, deque)):
        return list(value) if len(value) < _MAX_LENGTH else []
    if isinstance(value, MethodType):
        return [value.__self__]
    if isinstance(value, FunctionType):
        return [
            *_closure(value),
            *(value.__defaults__ or ()),
            *(value.__kwdefaults__ or {}).values(),
        ]
    if isinstance(value, partial):
        return [value.func, *value.args, *value.keywords.values()]
    if isinstance(value, GeneratorType):
        return list(inspect.getgeneratorlocals(value).values())
    if isinstance(value, CoroutineType):
        return list(inspect.getcoroutinelocals(value).values())
    held = getattr(value, "__dict__", {})
    if type(value).__module__.startswith(_INTERNAL_MODULES):
        # What it works for; through its inside one could get everywhere.
        return [held[name] for name in ("client", "server") if name in held]
    names = [name for kind in type(value).__mro__ for name in _slots(kind)]
    return [*held.values(), *(getattr(value, name, None) for name in names)]


def _closure(function: FunctionType) -> Iterator[object]:
    for cell in function.__closure__ or ():
        try:
            yield cell.cell_contents
        except ValueError:
            continue  # still empty


def _slots(kind: type) -> tuple[str, ...]:
    slots = kind.__dict__.get("__slots__", ())
    slots = (slots,) if isinstance(slots, str) else slots
    return tuple(name for name in slots if not name.startswith("__"))
