"""What is left of a run: the results file, and the table on the screen."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from .figures import Figure

__all__ = ["RESULTS", "environment", "print_table", "write_results"]

RESULTS = Path(__file__).with_name("results.json")
_PACKAGES = (
    "mbot_nb",
    "websockets",
    "msgspec",
    "python-socketio",
    "python-engineio",
    "aiohttp",
    "ipykernel",
)


def environment() -> dict[str, Any]:
    """When and on what a run was measured; nothing that names the machine or its user."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "system": f"{platform.system()} {platform.machine()}",
        "cpu": _processor(),
        "cores": os.cpu_count(),
        "load_before": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        "versions": {package: _version(package) for package in _PACKAGES},
    }


def write_results(
    path: Path, figures: Sequence[Figure], environment: dict[str, Any], *, whole: bool
) -> None:
    """Write the results file. ``whole`` says that every figure was measured in this run, in full
    length."""
    document = {
        "environment": environment,
        "whole": whole,
        "figures": [figure.as_dict() for figure in figures],
    }
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def print_table(figures: Sequence[Figure], console: Console) -> None:
    """Print one line a figure, then how each was measured."""
    table = Table(title="mbot_nb side by side")
    table.add_column("figure", no_wrap=True)
    for heading in ("ours", "theirs"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("unit", no_wrap=True)
    table.add_column("ratio (rounds)", justify="right", no_wrap=True)
    table.add_column("goal", no_wrap=True)
    table.add_column("met")
    for figure in figures:
        ratio = ""
        if figure.ratio is not None and figure.ratio_spread is not None:
            low, high = figure.ratio_spread
            ratio = f"{figure.ratio:.2f} ({low:.2f} to {high:.2f})"
        table.add_row(
            figure.name,
            _number(figure.ours),
            "" if figure.theirs is None else _number(figure.theirs),
            figure.unit,
            ratio,
            figure.goal or "",
            {True: "yes", False: "NO", None: ""}[figure.met],
        )
    console.print(table)
    for figure in figures:
        console.print(f"{figure.name}: {figure.how}", highlight=False, markup=False)


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _processor() -> str:
    """The processor's model as Linux tells it, else what Python knows."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.machine()
