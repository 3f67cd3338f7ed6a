"""Emulators are found while they run, as objects of this process and as processes of their own."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import serial

from mbot_nb.local import instances
from mbot_nb.robots.emulators import emulate
from mbot_nb.robots.serial.wire import f3
from tests.helpers.serial_robots import PATIENCE
from tests.helpers.waiting import eventually


def test_what_runs_can_be_found(own_runtime_folder: Path) -> None:
    assert instances.running("emulator") == []
    with emulate("mbot", boot=0) as first, emulate("cyberpi", tcp=0) as second:
        assert [entry[1:3] for entry in instances.running("emulator")] == [
            ("mbot", first.address),
            ("cyberpi", second.address),
        ]
        assert own_runtime_folder.stat().st_mode & 0o077 == 0
    assert instances.running("emulator") == []
    assert list(own_runtime_folder.iterdir()) == []


def test_what_a_killed_one_left_behind_is_cleared_away(own_runtime_folder: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "pass"]) as process:
        process.wait()
    own_runtime_folder.mkdir()
    entry = instances.Instance("emulator", "mbot", "/dev/x", process.pid, 0.0)
    (own_runtime_folder / "emulator-1-x.json").write_text(json.dumps(entry._asdict()))
    (own_runtime_folder / "emulator-2-x.json").write_text("{")
    assert instances.running("emulator") == []
    assert list(own_runtime_folder.iterdir()) == []


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_as_a_process_it_says_where_it_is_and_ends_when_told(
    tmp_path: Path, sent: signal.Signals
) -> None:
    link = tmp_path / "robot"
    command = [
        sys.executable,
        "-m",
        "mbot_nb",
        "emulate",
        "cyberpi",
        "--link",
        str(link),
        "--boot",
        "0",
    ]
    with subprocess.Popen(
        [*command, "--unpaced"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == f"{link}\n"
            (entry,) = instances.running("emulator")
            assert (entry.pid, entry.address) == (process.pid, str(link))
            with serial.serial_for_url(str(link), timeout=0.05) as port:
                decoder = f3.Decoder()

                def answered() -> Any:
                    port.write(f3.encode_script("cyberpi.get_name()", 1))
                    return decoder.feed(port.read(200))

                assert f3.Script(1, 1, b'{"ret":"mBot2"}') in eventually(answered, "an answer")
            process.send_signal(sent)
            assert process.wait(PATIENCE) == 0
        finally:
            process.kill()
    assert instances.running("emulator") == []


def test_as_a_process_it_ends_with_the_fault_that_ended_its_robot(tmp_path: Path) -> None:
    """Else it would stay, without a port, and nobody would know."""
    command = """
import sys
from mbot_nb import cli
from mbot_nb.robots.emulators.mcore import MCoreFirmware

def fail(self, now):
    raise RuntimeError("a fault of the test")

MCoreFirmware.advance = fail
sys.argv = ["mbot-nb", "emulate", "mbot", "--link", sys.argv[1], "--boot", "0"]
cli.main()
"""
    link = tmp_path / "robot"
    with subprocess.Popen(
        [sys.executable, "-c", command, link], stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            _, output = process.communicate(timeout=PATIENCE)
        finally:
            process.kill()
    assert process.returncode == 1
    assert "a fault of the test" in output
    assert "This is a fault of mbot_nb" in output
    assert not link.is_symlink()
    assert instances.running("emulator") == []
