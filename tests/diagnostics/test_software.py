"""What may be amiss with the installed software, each with its remedy."""

from __future__ import annotations

import asyncio
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import mbot_nb as mb
from mbot_nb.diagnostics import software


async def test_the_loop_it_finds_is_the_one_that_runs() -> None:
    report = await asyncio.to_thread(mb.doctor)
    assert next(check for check in report if check.subject == "event loop").found.startswith(
        "none runs here"
    )
    check = software.loop(asyncio.get_running_loop(), "")
    assert check.level == "good"
    assert "asyncio" in check.found


def test_a_checkout_that_is_not_installed_is_told_with_the_line_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def requires(package: str) -> None:
        raise metadata.PackageNotFoundError(package)

    monkeypatch.setattr(metadata, "requires", requires)
    check = next(check for check in mb.doctor() if check.subject == "packages")
    assert check.level == "bad"
    assert "mbot_nb is not installed" in check.found
    assert check.remedy.endswith(f'-m pip install -e "{Path(__file__).parents[2]}"`')


# Software.


@pytest.mark.parametrize(
    ("version", "level", "words"),
    [
        ("6.31.0", "warning", "waits until"),
        ("7.3.0", "good", "at once"),
        ("7.4.0", "warning", "slider"),
        ("8.0", "good", "at once"),
    ],
)
def test_kernels(version: str, level: str, words: str) -> None:
    check = software.kernel(
        version, SimpleNamespace(kernel=SimpleNamespace(_supports_kernel_subshells=True))
    )
    assert (check.level, words in check.found) == (level, True)


def test_a_kernel_without_subshells_or_none_at_all() -> None:
    bare = SimpleNamespace(kernel=SimpleNamespace(_supports_kernel_subshells=False))
    assert "without subshells" in software.kernel("7.3.0", bare).found
    assert "pip install" in software.kernel(None, None).remedy
    assert "this is no notebook" in software.kernel("7.3.0", None).found


def test_old_and_missing_software() -> None:
    assert software.python((3, 10, 4)).level == "bad"
    assert software.lab("4.3.1").level == "warning"
    assert software.lab(None).level == "warning"
    assert software.lab("4.6.6").level == "good"
    (check,) = software.needed(
        [
            "pandas>=99",
            "no-such-package>=1",
            'nothing; sys_platform == "nowhere"',
            'extra-only; extra == "lab"',
        ]
    )
    assert check.level == "bad"
    assert "pandas is" in check.found
    assert "no-such-package is missing" in check.found
    assert "nothing" not in check.found
    assert "extra-only" not in check.found
    assert '"no-such-package>=1"' in check.remedy
    (check,) = software.needed(metadata.requires("mbot_nb") or ())
    assert check.level == "good", check.found


def test_loops_that_cannot_be_nested_and_loops_that_were() -> None:
    assert software.loop(None, "nest_asyncio").level == "bad"
    assert "mb.sync" in software.loop(None, "nest_asyncio").remedy
    assert software.loop(None, "nest_asyncio2").level == "good"
    foreign: Any = SimpleNamespace()
    assert software.loop(foreign, "").level == "warning"


def test_a_folder_that_cannot_be_written_to(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert software.own_folders().level == "good"
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MBOT_NB_RUNTIME_DIR", str(tmp_path / "file" / "runtime"))
    check = software.own_folders()
    assert (check.level, check.remedy) == (
        "warning",
        "set MBOT_NB_RUNTIME_DIR to a folder of your own",
    )
