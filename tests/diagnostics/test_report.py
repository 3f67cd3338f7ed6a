"""The doctor: each thing that may be amiss is found, and its remedy is the line to type."""

from __future__ import annotations

import asyncio
import os
import platform as platforms
import socket
import sys
from html.parser import HTMLParser
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import mbot_nb as mb
from mbot_nb.diagnostics import cables, network, software
from mbot_nb.diagnostics.report import Check, Report
from mbot_nb.local import instances
from tests.helpers.serial_robots import usb


@pytest.fixture(autouse=True)
def own_runtime_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MBOT_NB_RUNTIME_DIR", str(tmp_path / "runtime"))


def test_it_looks_at_everything_and_this_environment_is_sound() -> None:
    report = mb.doctor()
    subjects = [check.subject for check in report]
    assert subjects[:6] == [
        "Python",
        "packages",
        "kernel and clicks",
        "JupyterLab",
        "event loop",
        "folders",
    ]
    assert {"serial ports", "guard", "port 4000", "network inside", "proxy", "firewall"} <= set(
        subjects
    )
    levels = {check.subject: check.level for check in report}
    assert {levels[subject] for subject in (*subjects[:6], "network inside")} == {"good"}
    assert all(check.remedy for check in report if check.level != "good"), (
        "whatever is amiss has a remedy"
    )


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


# The report.


def test_a_report_is_text_and_a_table_with_the_text_to_copy() -> None:
    report = Report(
        [
            Check(
                "port /dev/ttyUSB0",
                "bad",
                "belongs to <dialout>",
                "`sudo usermod -aG dialout $USER`, then log in again",
            ),
            Check("Python", "good", "3.11"),
        ]
    )
    assert report.level == "bad"
    assert Report([]).level == "good"
    lines = str(report).splitlines()
    assert lines[0] == "bad      port /dev/ttyUSB0  belongs to <dialout>"
    assert lines[1].strip() == "-> `sudo usermod -aG dialout $USER`, then log in again"
    assert lines[2] == "good     Python             3.11"

    class Page(HTMLParser):
        area, inside, clicks = "", False, 0

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            assert tag not in ("script", "dialout")
            self.inside = tag == "textarea"
            self.clicks += "onclick" in dict(attrs)

        def handle_data(self, data: str) -> None:
            self.area += data if self.inside else ""

        def handle_endtag(self, tag: str) -> None:
            self.inside = False

    page = Page()
    page.feed(report._repr_html_())
    assert page.area == str(report)
    assert page.clicks == 2
    assert "<code>sudo usermod -aG dialout $USER</code>" in report._repr_html_()


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
    assert list(cables.thieves(None)) == []
    (check,) = cables.thieves("/usr/bin/brltty")
    assert "apt remove brltty" in check.remedy


def test_where_there_is_no_guard_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    assert cables.guard().level == ("good" if os.name == "posix" else "warning")


# The network.


def test_the_usual_port_free_taken_and_ours() -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        taken = network.usual_port(port)
        entry = instances.register("server", "mbot2", f"ws://127.0.0.1:{port}")
        try:
            ours = network.usual_port(port)
        finally:
            instances.forget(entry)
    free = network.usual_port(port)
    assert (taken.level, ours.level, free.level) == ("warning", "good", "good")
    assert "port=0" in taken.remedy
    assert "of this notebook" in ours.found
    assert "free" in free.found


def test_a_machine_that_does_not_reach_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    assert network.loopback().level == "good"

    def refused(*_: Any, **__: Any) -> Any:
        raise TimeoutError("timed out")

    monkeypatch.setattr(socket, "create_connection", refused)
    check = network.loopback()
    assert check.level == "bad"
    assert "firewall" in check.remedy


def test_a_proxy_that_is_also_asked_for_this_machine() -> None:
    proxies = {"http": "http://user:secret@proxy.example:3128", "no": "localhost"}
    assert network.proxy({}, bypassed=False).level == "good"
    assert network.proxy(proxies, bypassed=True).level == "good"
    check = network.proxy(proxies, bypassed=False)
    assert check.level == "warning"
    assert "secret" not in check.found
    assert "proxy.example:3128" in check.found
    assert "127.0.0.1" in check.remedy
    if sys.platform != "win32":
        assert check.remedy.startswith("`export no_proxy=localhost,127.0.0.1`")


def test_a_firewall_that_keeps_others_out(tmp_path: Path) -> None:
    conf = tmp_path / "ufw.conf"
    assert network.firewall(conf).level == "good"
    conf.write_text("# ENABLED=yes\nENABLED=no\n")
    assert network.firewall(conf).level == "good"
    conf.write_text("ENABLED=yes\n")
    check = network.firewall(conf)
    assert (check.level, "`sudo ufw allow 4000/tcp`" in check.remedy) == ("warning", True)


def test_a_folder_that_cannot_be_keeps_nothing_else_from_being_looked_at(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("MBOT_NB_RUNTIME_DIR", "/proc/nothing")
    rows = {row.subject: row for row in mb.doctor()}
    assert "cannot be made" in rows["folders"].found
    assert "set MBOT_NB_RUNTIME_DIR" in rows["folders"].remedy
    assert len(rows) > 8
    assert "cannot be looked up" in caplog.text
