"""A recorder in the cells of a real kernel: on from cell to cell, through a block, an interrupt and
clicks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.helpers.kernels import begin, end

if TYPE_CHECKING:
    from tests.helpers.kernels import Kernel


def test_a_recorder_goes_on_from_cell_to_cell(kernel: Kernel, home: str) -> None:
    begin(kernel, home)
    kernel.run("rec = mb.Recorder(bot, ping_rate=20)", cell="record")
    assert "ended: time" in kernel.run("await bot.drive(20, 20, duration=0.2)").result
    kernel.run("asked = asyncio.ensure_future(bot.ping())\nawait asyncio.sleep(0)\ntime.sleep(0.6)")
    kernel.wait("asked.done()")
    assert "ended: time" in kernel.run("await bot.drive(20, 20, duration=0.1)").result
    assert kernel.value("list(rec.commands.outcome)") == ["done"] * 2
    assert "telemetry" in kernel.value("list(rec.events.name)")
    assert kernel.value("bool(rec.events.time_s.is_monotonic_increasing)")
    kernel.run("late = rec.latency[rec.latency.loop_lag_ms > 400]")
    if home == "thread=True":
        assert kernel.value("len(late)") == 0, "the loop that answers was never blocked"
    else:
        assert 1 <= kernel.value("len(late)") <= 2, (
            "the block is beside what was under way, and nothing else"
        )

    running = kernel.start("print('go', flush=True)\nawait bot.drive(40, 40, duration=5)")
    kernel.until(running, "go")
    kernel.interrupt()
    kernel.finish(running, fails=True)
    before = kernel.value("len(rec.latency)")
    kernel.wait(f"len(rec.latency) > {before}")

    kernel.run("first, rec = rec, mb.Recorder(bot, ping_rate=20)", cell="record")
    assert "ended: time" in kernel.run("await bot.drive(20, 20, duration=0.1)").result
    assert kernel.value("len(rec.commands), len(first.commands) > 1") == (1, True), (
        "any number of them at once"
    )
    kernel.run("rec.stop(); first.stop()")
    end(kernel)


def test_a_click_pauses_and_goes_on(kernel: Kernel, home: str) -> None:
    begin(kernel, home)
    kernel.run("rec = mb.Recorder(bot, ping_rate=20)")
    kernel.wait("len(rec.latency) > 1")
    pause, start = kernel.value("button(lambda _: rec.pause()), button(lambda _: rec.start())")
    kernel.click(pause)
    kernel.wait("not rec.recording")
    kernel.run("paused = len(rec.latency)\nawait bot.drive(20, 20, duration=0.2)")
    assert kernel.value("len(rec.commands)") == 0
    kernel.click(start)
    kernel.wait("rec.recording")
    kernel.run("await bot.drive(20, 20, duration=0.2)")
    assert kernel.value("len(rec.commands)") == 1
    kernel.wait("len(rec.latency) > paused")
    kernel.run("rec.stop()")
    end(kernel)
