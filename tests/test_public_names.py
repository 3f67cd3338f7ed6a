"""The public surface is this list, and changing it is a decision."""

from __future__ import annotations

import inspect
import re

import pytest
from packaging.version import Version

import mbot_nb
from mbot_nb import errors

PUBLIC = {
    # What a notebook begins with.
    "connect",
    "demo",
    "serve",
    # What there is, and what is amiss.
    "discover",
    "doctor",
    # What it holds then.
    "Client",
    "Server",
    "Robot",
    "SimulatedRobot",
    "CyberPiRobot",
    "MBotRobot",
    "Recorder",
    "Recording",
    "ReplayRobot",
    "CommandResult",
    "Event",
    "Motion",
    "Settings",
    # Without await.
    "run",
    # Modules.
    "lab",
    "plots",
    "sync",
    "widgets",
    # How it fails.
    "AddressInUseError",
    "CommandError",
    "CommandExpiredError",
    "CommandRejectedError",
    "CommandTimeoutError",
    "ConnectError",
    "DeliveryUnknownError",
    "MbotError",
    "NotConnectedError",
    "ProtocolError",
    "SendBufferFullError",
    "UsageError",
    # Which one it is.
    "__version__",
}


def test_the_surface_is_the_list() -> None:
    assert set(mbot_nb.__all__) == PUBLIC
    assert len(mbot_nb.__all__) == len(PUBLIC), "a name stands twice in __all__"


def test_dir_shows_the_list_and_nothing_else() -> None:
    """What a person sees after `mb.` and the tab key; modules that other code has imported are
    there too."""
    shown = {name for name in dir(mbot_nb) if not name.startswith("_")}
    modules = {name for name in shown if inspect.ismodule(getattr(mbot_nb, name))}
    assert shown - modules == {name for name in PUBLIC - modules if not name.startswith("_")}


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_each_name_is_there_and_explains_itself(name: str) -> None:
    value = getattr(mbot_nb, name)
    if name == "__version__":
        return
    documentation = value.__doc__  # not inspect.getdoc, which takes what a class inherits
    assert documentation, f"mb.{name} has no docstring"
    assert len(documentation.split()) >= 4, f"mb.{name}: {documentation!r} explains nothing"


def test_public_methods_explain_themselves() -> None:
    mute = [
        f"{owner.__name__}.{name}"
        for owner in (
            mbot_nb.Client,
            mbot_nb.Server,
            mbot_nb.Recorder,
            mbot_nb.Recording,
            mbot_nb.ReplayRobot,
            mbot_nb.SimulatedRobot,
            mbot_nb.CyberPiRobot,
        )
        for name, member in inspect.getmembers(owner)
        if not name.startswith("_")
        and (callable(member) or isinstance(member, property))
        and not inspect.getdoc(member)
    ]
    assert not mute, f"no docstring: {', '.join(mute)}"


def test_every_error_is_public() -> None:
    assert set(errors.__all__) <= PUBLIC


def test_the_error_tree_in_the_docstring_is_the_real_one() -> None:
    """The indentation of the drawing says who is whose child."""
    path: list[tuple[int, str]] = []
    drawn = {}
    for line in (errors.__doc__ or "").splitlines():
        if match := re.match(r"([ │├└─]*)(\w+Error)\b", line):
            depth = len(match[1])
            while path and path[-1][0] >= depth:
                path.pop()
            drawn[match[2]] = path[-1][1] if path else "Exception"
            path.append((depth, match[2]))
    assert drawn == {name: getattr(errors, name).__bases__[0].__name__ for name in errors.__all__}


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nothing_like_this"):
        mbot_nb.nothing_like_this  # noqa: B018


def test_the_version_is_one() -> None:
    assert str(Version(mbot_nb.__version__)) == mbot_nb.__version__
