"""The results file: each figure as it was last measured, with when and on which commit."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from .figures import Failure, Figure

__all__ = ["RESULTS", "Results", "environment"]

RESULTS = Path(__file__).with_name("results.json")
_ROOT = Path(__file__).resolve().parent.parent
_PACKAGES = (
    "mbot_nb",
    "websockets",
    "msgspec",
    "python-socketio",
    "python-engineio",
    "aiohttp",
    "ipykernel",
)


class Results:
    """A results file that is written whenever figures are added.

    Figures that are not measured in this run stay, each with the run and the commit that it is of.

    Args:
        path: of the file.
        names: of all figures there are, in their order; others are dropped from the file.
        run: the surroundings of this run, from :func:`environment`, with the number of ``rounds``
            if it is not each figure's own.
    """

    def __init__(self, path: Path, names: Sequence[str], run: dict[str, Any]) -> None:
        self.path = path
        self._names = names
        self._run = run
        document = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        self._runs: list[dict[str, Any]] = [*document.get("runs", ()), run]
        self._rows: dict[str, dict[str, Any]] = {
            row["name"]: row for row in document.get("figures", ())
        }

    @property
    def whole(self) -> bool:
        """Whether every figure was measured in this run, in full length."""
        rows = [self._rows.get(name, {}) for name in self._names]
        return not self._run.get("rounds") and all(
            row.get("run") == self._run["date"] and "failed" not in row for row in rows
        )

    def add(self, figures: Sequence[Figure | Failure]) -> None:
        """Put in figures of this run, and write the file."""
        commit = _commit()
        for figure in figures:
            self._rows[figure.name] = {
                **figure.as_dict(),
                "measured": _now(),
                "commit": commit,
                "run": self._run["date"],
            }
        self._write()

    def _write(self) -> None:
        rows = [self._rows[name] for name in self._names if name in self._rows]
        used = {row.get("run") for row in rows}
        document = {
            "whole": self.whole,
            "runs": [run for run in self._runs if run["date"] in used],
            "figures": rows,
        }
        # Whatever ends this process or the machine leaves a file that can be read.
        unfinished = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        try:
            with unfinished.open("w", encoding="utf-8") as file:
                file.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(self.path)
        finally:
            unfinished.unlink(missing_ok=True)


def environment() -> dict[str, Any]:
    """When and on what a run is measured; nothing that names the machine or its user."""
    return {
        "date": _now(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "system": f"{platform.system()} {platform.machine()}",
        "cpu": _processor(),
        "cores": os.cpu_count(),
        "load_before": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        "versions": {package: _version(package) for package in _PACKAGES},
    }


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _commit() -> str | None:
    """The commit of this checkout, with ``-dirty`` if a file other than the results has changed."""
    try:
        head = _git("rev-parse", "--short=12", "HEAD")
        changed = _git("status", "--porcelain", "--", ".", ":!benchmarks/results.json")
    except (OSError, subprocess.CalledProcessError):
        return None
    return f"{head}-dirty" if changed else head


def _git(*arguments: str) -> str:
    return subprocess.run(
        ["git", *arguments], cwd=_ROOT, check=True, capture_output=True, text=True
    ).stdout.strip()


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _processor() -> str:
    """The processor's model as Linux gives it, else what Python knows."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.machine()
