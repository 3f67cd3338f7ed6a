"""What may be amiss with the network, each with its remedy."""

from __future__ import annotations

import socket
import sys
from pathlib import Path
from typing import Any

import pytest

from mbot_nb.diagnostics import network
from mbot_nb.local import instances

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
