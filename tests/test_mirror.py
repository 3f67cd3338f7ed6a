"""The tests mirror the package: the test of ``mbot_nb/a/b.py`` is ``tests/a/test_b.py``.

What is really tried through something else stands in one table, with where.
"""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TESTS = ROOT / "tests"
MODULES = {
    str(path.relative_to(ROOT / "mbot_nb").with_suffix("")): path
    for path in sorted((ROOT / "mbot_nb").rglob("*.py"))
    if not path.name.startswith("__")
}

ELSEWHERE = {
    # What only a kernel, a browser or an executed notebook shows.
    "jupyter/cell_log": (
        "kernels/test_stalls.py",
        "cell_is_named",
    ),
    "jupyter/cells": ("kernels/test_cells.py", "cell_run_again"),
    "jupyter/ipykernel_fixes": (
        "kernels/test_ipykernel_fixes.py",
        "no_message_waits",
    ),
    "loops/kernel": ("kernels/test_callbacks.py", "where_cells_run"),
    "widgets/base/rerun": ("browser/test_living.py", "run_again"),
    "lessons/pace": ("notebooks/test_batching.py", "mbot_nb.lessons.pace"),
    "lessons/page": ("notebooks/test_start_here.py", "mbot_nb.lessons.page"),
    "lessons/runner": ("notebooks/test_start_here.py", "mbot_nb.lessons.runner"),
    # What does its work behind something else that is tried.
    "client/identify": ("embedded/test_usb.py", "bot.identify"),
    "client/sync": ("test_sync.py", "SyncClient"),
    "server/sync": ("test_sync.py", "SyncServer"),
    "loops/blocking": ("test_sync.py", "an_interrupt_cancels_the_wait"),
    "embedded/cable_server": ("embedded/test_usb.py", "the_last_one_gives_it_back"),
    "server/connections": (
        "server/test_baseline_profile.py",
        "stops_when_the_baseline_client",
    ),
    "robots/serial/connection/guard_process": (
        "robots/serial/connection/test_guard.py",
        "is_guard_of",
    ),
    "robots/emulators/vehicle": ("robots/emulators/test_mcore.py", "Vehicle"),
    "recording/files/json_rows": (
        "recording/files/test_jsonl_file.py",
        "json_lines",
    ),
    "recording/files/mbot_file": (
        "recording/files/test_writer.py",
        "the_file_has_what",
    ),
    "report": ("recording/files/test_formats.py", "the_page_needs"),
    # Both ends of the protocol, over a wire in virtual time.
    "protocol/client/session": ("protocol/test_conversation.py", "Conversation"),
    "protocol/server/connection": ("protocol/test_conversation.py", "Conversation"),
    "protocol/server/hub": ("protocol/server/test_outgoing.py", "desk.hub"),
    "protocol/server/events": ("server/test_server.py", "a_tap_gets"),
    # Bases, values and constants.
    "lab/results": ("lab/test_latency.py", "statistics"),
    "protocol/settings": (
        "client/test_connect_errors.py",
        "wrong_settings",
    ),
    "recording/base": ("recording/test_recording.py", "the_recorder_s_tables"),
    "recording/tables/run_tables": ("recording/test_recording.py", "summary"),
    "robots/dimensions": ("robots/simulator/test_body.py", "TRACK"),
    "version": ("test_cli.py", "test_version"),
}
"""Modules without a test file of their name: which file tries them, and by which words of it."""


def _own_test(module: str) -> Path:
    path = Path(module)
    return TESTS / path.parent / f"test_{path.name}.py"


def test_every_module_is_tried_where_one_looks_for_it() -> None:
    without = [
        module for module in MODULES if module not in ELSEWHERE and not _own_test(module).is_file()
    ]
    assert not without, "write a test file of its name, or say in ELSEWHERE which file tries it"


@pytest.mark.parametrize("module", ELSEWHERE)
def test_what_is_tried_elsewhere_is_tried_there(module: str) -> None:
    assert module in MODULES, f"there is no mbot_nb/{module}.py any more: take the row away"
    assert not _own_test(module).exists(), "it has a test file of its own: take the row away"
    file, words = ELSEWHERE[module]
    path = TESTS / file
    assert path.is_file(), f"there is no tests/{file}: name the file that tries {module}"
    assert words in path.read_text(encoding="utf-8"), (
        f"tests/{file} does not mention {words!r}: name the file that tries {module}"
    )
