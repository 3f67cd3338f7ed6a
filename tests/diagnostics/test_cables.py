"""What may be amiss with cables and ports, each with its remedy."""

from __future__ import annotations

import os
import platform as platforms
import sys
from pathlib import Path

import pytest

from mbot_nb.diagnostics import cables
from mbot_nb.local import instances
from tests.helpers.serial_robots import usb

# Cables.


@pytest.mark.parametrize(
    ("platform", "release", "words"),
    [
        ("linux", "6.1.0", "plug the robot in"),
        ("linux", "5.15.1-microsoft-standard-WSL2", "usbipd attach"),
        ("darwin", "24.1", "another cable"),
        ("win32", "11", "CH340 driver"),
    ],
)
def test_no_port_says_what_to_do_on_each_system(
    monkeypatch: pytest.MonkeyPatch, platform: str, release: str, words: str
) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(platforms, "release", lambda: release)
    monkeypatch.setattr(cables, "CONTAINER", Path("/no-such-file"))
    check = cables.ports([usb("/dev/ttyS0", vid=None)], [])
    assert check.level == "warning"
    assert "/dev/ttyS0 is no robot's" in check.found
    assert words in check.remedy
    assert "1A86" not in check.found


def test_in_a_container_the_port_is_to_be_passed_in(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(platforms, "release", lambda: "6.1.0")
    monkeypatch.setattr(cables, "CONTAINER", tmp_path)
    assert "docker run --device" in cables.ports([], []).remedy


def test_a_port_that_is_there() -> None:
    port = usb("/dev/ttyUSB0")
    check = cables.ports([port], [port])
    assert check.level == "good"
    assert "CH340" in check.found


@pytest.mark.skipif(os.name != "posix", reason="permissions as on POSIX systems")
def test_a_port_that_may_not_be_opened_comes_with_the_line_that_allows_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import grp

    port = tmp_path / "ttyUSB0"
    port.write_text("")
    assert cables.permission(str(port)).level == "good"
    monkeypatch.setattr(
        os, "access", lambda *_: False
    )  # the tests may run as root, who may everything
    group = grp.getgrgid(port.stat().st_gid).gr_name
    check = cables.permission(str(port))
    assert check.level == "bad"
    assert f"`sudo usermod -aG {group} $USER`" in check.remedy
    monkeypatch.setattr(sys, "platform", "darwin")
    assert cables.permission(str(port)).remedy == f"`sudo chmod a+rw {port}`"


def test_a_port_in_use_by_a_server_is_no_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = instances.register("server", "mbot2", "ws://127.0.0.1:9", port="/dev/ttyUSB0")
    try:
        check = cables.permission("/dev/ttyUSB0")
    finally:
        instances.forget(entry)
    assert check.level == "good"
    assert "ws://127.0.0.1:9" in check.found


def test_a_chip_without_a_driver_is_found_on_the_bus(tmp_path: Path) -> None:
    """As Linux shows its bus: a folder for each device, and in the folders of their interfaces the
    ports."""

    def plug(name: str, vendor: str, port: str | None) -> None:
        (tmp_path / name).mkdir()
        (tmp_path / name / "idVendor").write_text(f"{vendor}\n")
        (tmp_path / name / f"{name}:1.0").mkdir()
        if port:
            (tmp_path / name / f"{name}:1.0" / port).mkdir()

    assert list(cables.plugged_in_without_port(tmp_path / "none")) == []
    plug("1-1", "1a86", "ttyUSB0")
    plug("1-2", "046d", None)  # a mouse
    (tmp_path / "usb1").mkdir()
    plug("1-4", "2341", "tty")
    assert list(cables.plugged_in_without_port(tmp_path)) == []
    plug("1-3", "1a86", None)
    (check,) = cables.plugged_in_without_port(tmp_path)
    assert check.level == "bad"
    assert "`sudo modprobe ch341`" in check.remedy


def test_the_braille_driver_is_named() -> None:
    assert list(cables.port_conflicts(None)) == []
    (check,) = cables.port_conflicts("/usr/bin/brltty")
    assert "apt remove brltty" in check.remedy


def test_where_there_is_no_guard_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    assert cables.guard().level == ("good" if os.name == "posix" else "warning")
