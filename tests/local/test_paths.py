"""Folders are where each system keeps them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from mbot_nb.local import paths


def test_folders_are_where_each_system_keeps_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("MBOT_NB_CONFIG_DIR", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("APPDATA", str(tmp_path / "roaming"))
    for platform, place in (
        ("linux", tmp_path / "xdg" / "mbot_nb"),
        ("win32", tmp_path / "roaming" / "mbot_nb"),
        ("darwin", Path.home() / "Library" / "Application Support" / "mbot_nb"),
    ):
        monkeypatch.setattr(sys, "platform", platform)
        assert paths.config() == place
    monkeypatch.undo()
    monkeypatch.delenv("MBOT_NB_RUNTIME_DIR", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert paths.runtime() == tmp_path / "mbot_nb"
    assert paths.runtime().stat().st_mode & 0o077 == 0
