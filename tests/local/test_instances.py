"""What runs on this machine is found by others, and what a killed process left is not."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

import mbot_nb as mb
from mbot_nb.local import instances


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "runtime"
    monkeypatch.setenv("MBOT_NB_RUNTIME_DIR", str(folder))
    return folder


def test_what_is_registered_runs_until_it_is_forgotten() -> None:
    first = instances.register("server", "one", "ws://127.0.0.1:1", port="/dev/ttyUSB0")
    second = instances.register("server", "two", "ws://127.0.0.1:2")
    instances.register("emulator", "cyberpi", "/tmp/pty")
    one, two = instances.running("server")
    assert (one.name, one.address, one.pid, one.port) == (
        "one",
        "ws://127.0.0.1:1",
        os.getpid(),
        "/dev/ttyUSB0",
    )
    assert two.name == "two"
    instances.forget(first)
    instances.forget(first)
    assert instances.running("server") == [two]
    instances.forget(second)
    assert instances.running("server") == []
    assert [entry.name for entry in instances.running("emulator")] == ["cyberpi"]


def test_what_another_process_left_is_removed(folder: Path) -> None:
    script = "from mbot_nb.local import instances; instances.register('server', 'gone', 'ws://x')"
    subprocess.run([sys.executable, "-c", script], check=True, timeout=25)
    assert len(list(folder.glob("server-*.json"))) == 1
    assert instances.running("server") == []
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("text", ["", "[]", "{", json.dumps({"what": "server", "more": 1})])
def test_a_file_that_is_none_of_ours_is_removed(folder: Path, text: str) -> None:
    kept = instances.register("server", "one", "ws://127.0.0.1:1")
    (folder / "server-1-x.json").write_text(text)
    assert [entry.name for entry in instances.running("server")] == ["one"]
    assert list(folder.iterdir()) == [kept]


def test_a_folder_that_cannot_be_used_is_told(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MBOT_NB_RUNTIME_DIR", str(tmp_path / "file"))
    with pytest.raises(mb.UsageError, match="MBOT_NB_RUNTIME_DIR"):
        instances.register("server", "one", "ws://127.0.0.1:1")
    with caplog.at_level(logging.WARNING):
        assert instances.running("server") == []
    assert "cannot be looked up" in caplog.text
