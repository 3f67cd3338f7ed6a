"""The errors' tree is as its docstring draws it, and each error is what programs may catch."""

from __future__ import annotations

import re

import pytest

import mbot_nb as mb
from mbot_nb import errors

TREE = {
    match[2]: (len(match[1]), match[3])
    for line in (errors.__doc__ or "").splitlines()
    if (match := re.match(r"^ {4}([ │├└─]*)(\w+Error)\b(.*)$", line))
}


def test_every_error_stands_in_the_tree_where_it_belongs() -> None:
    assert set(TREE) == set(errors.__all__)
    branch = list[str]()
    for name, (indent, _) in TREE.items():
        depth = indent // 4
        branch[depth:] = [name]
        if depth:
            assert getattr(errors, branch[depth - 1]) in getattr(errors, name).__bases__


@pytest.mark.parametrize("name", errors.__all__)
def test_it_is_also_the_error_of_python_that_the_tree_says(name: str) -> None:
    kind = getattr(errors, name)
    also = re.search(r"also an? (\w+)", TREE[name][1])
    builtin = {base for base in kind.__mro__ if base.__module__ == "builtins"}
    said = {also[1]} if also else set()
    assert {base.__name__ for base in builtin} & {
        "ConnectionError",
        "OSError",
        "RuntimeError",
        "TimeoutError",
    } >= said
    assert getattr(mb, name) is kind


def test_a_refusal_says_its_code_and_keeps_what_came_with_it() -> None:
    details = {"least": 1}
    error = errors.CommandRejectedError(
        "STOPPED", "it is latched", command="drive", details=details
    )
    details["least"] = 2
    assert str(error) == "STOPPED: it is latched"
    assert (error.code, error.message, error.command) == ("STOPPED", "it is latched", "drive")
    assert error.details == {"least": 1}


def test_a_connect_error_without_a_reason_of_its_own_has_its_message() -> None:
    assert errors.ConnectError("no such host; look at it").reason == "no such host; look at it"
    error = errors.ConnectError("refused; start it", kind="refused", reason="refused")
    assert (error.reason, error.kind, error.retryable) == ("refused", "refused", True)
