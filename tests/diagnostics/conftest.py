"""A folder of their own for what these tests leave running."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def own_runtime_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MBOT_NB_RUNTIME_DIR", str(tmp_path / "runtime"))
