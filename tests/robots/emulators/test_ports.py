"""Where an emulator can be reached: pseudo-terminals, the links to them, and TCP."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from mbot_nb.errors import UsageError
from mbot_nb.local import instances
from mbot_nb.robots.emulators import emulate
from mbot_nb.robots.emulators.ports import PtyPort
from tests.helpers.serial_robots import PATIENCE, Workshop


def test_a_path_that_is_no_link_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("precious")
    with pytest.raises(UsageError, match="another path"):
        emulate("cyberpi", link=tmp_path / "mine", registered=False)
    assert (tmp_path / "mine").read_text() == "precious"


def test_a_link_is_found_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with emulate("cyberpi", link="robot", boot=0) as emulator:
        assert emulator.address == str(tmp_path / "robot")
        assert [entry.address for entry in instances.running("emulator")] == [emulator.address]


def test_a_link_of_a_running_emulator_is_not_taken_over(tmp_path: Path) -> None:
    link = tmp_path / "robot"
    (tmp_path / "other").symlink_to(tmp_path)
    with emulate("cyberpi", link=link, boot=0):
        leads_to = link.readlink()
        for same in (link, tmp_path / "other" / "robot"):
            with pytest.raises(
                UsageError,
                match=f"another emulator that runs .process {os.getpid()}.: end that one",
            ):
                emulate("mbot", link=same)
        assert link.readlink() == leads_to
    assert not link.is_symlink()


def test_a_link_that_leads_elsewhere_is_left_alone(tmp_path: Path) -> None:
    """A dead one is replaced; one that somebody else has made meanwhile is not removed."""
    link = tmp_path / "robot"
    link.symlink_to(tmp_path / "gone")
    with emulate("cyberpi", link=link, boot=0) as emulator:
        assert str(link.readlink()).startswith("/dev/")
        link.unlink()
        link.symlink_to(tmp_path / "new")
        emulator.close()
    assert link.readlink() == tmp_path / "new"


def test_a_place_where_no_emulator_can_be_is_said_and_nothing_stays_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    before = len(os.listdir("/dev/fd"))
    with pytest.raises(
        UsageError,
        match=r"robot cannot be made: No such file or directory; make the folder .*missing",
    ):
        emulate("cyberpi", link=tmp_path / "missing" / "robot")
    with pytest.raises(UsageError, match=r"cannot be made: Not a directory"):
        emulate("cyberpi", link=tmp_path / "file" / "robot")
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(UsageError, match=r"already in use; choose another"),
    ):
        emulate("cyberpi", tcp=taken.getsockname()[1])
    monkeypatch.setenv("MBOT_NB_RUNTIME_DIR", str(tmp_path / "file"))
    with pytest.raises(UsageError, match=r"cannot be made: File exists; set MBOT_NB_RUNTIME_DIR"):
        emulate("cyberpi")
    assert len(os.listdir("/dev/fd")) == before
    command = [sys.executable, "-m", "mbot_nb", "emulate", "cyberpi"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert ended.returncode == 1
    assert "set MBOT_NB_RUNTIME_DIR to a folder of your own" in ended.stderr
    assert "fault of mbot_nb" not in ended.stderr


def test_a_pseudo_terminal_echoes_nothing(tmp_path: Path) -> None:
    port = PtyPort(tmp_path / "robot")
    try:
        assert not port.occupied()
        slave = os.open(port.address, os.O_RDWR | os.O_NOCTTY)
        assert port.occupied()
        port.write(b"boot text\r\n")
        assert os.read(slave, 100) == b"boot text\r\n"
        assert port.read() == b""
        os.close(slave)
        assert not port.occupied()
    finally:
        port.close()
    assert not (tmp_path / "robot").is_symlink()


def test_tcp_serves_one_after_another(workshop: Workshop) -> None:
    emulator = workshop.emulator("mbot", tcp=0)
    host, port = emulator.address.removeprefix("socket://").split(":")
    for _ in range(2):
        with socket.create_connection((host, int(port)), timeout=PATIENCE) as client:
            client.settimeout(PATIENCE)
            assert client.recv(100).startswith(b"Version")
