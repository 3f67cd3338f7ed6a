"""Where callbacks run on the three kernels: what everything else here rests on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.helpers.kernels import Kernel

pytestmark = pytest.mark.every_kernel


def test_a_click_arrives_where_and_when_it_does_in_jupyterlab(kernel: Kernel) -> None:
    kernel.run("""
        cell, seen = asyncio.get_running_loop(), []

        def on_click(_):
            main = threading.current_thread() is threading.main_thread()
            seen.append((time.monotonic(), main, asyncio.get_running_loop() is cell))
    """)
    click = kernel.value("button(on_click)")
    kernel.click(click)
    kernel.wait("seen")
    kernel.run("ends = [0]")
    for count, wait in ((2, "await asyncio.sleep(0.3)"), (3, "time.sleep(0.3)")):
        running = kernel.start(f"print('go', flush=True); {wait}; ends.append(time.monotonic())")
        kernel.until(running, "go")
        kernel.click(click)
        kernel.finish(running)
        kernel.wait(f"len(seen) == {count}")
    ends, seen = kernel.value("ends, seen")
    subshells = kernel.version.startswith("7.3")
    assert [(main, same) for _, main, same in seen] == [(not subshells, not subshells)] * 3
    at_once = [when < end for (when, _, _), end in zip(seen[1:], ends[1:], strict=True)]
    assert (
        at_once
        == {"6.31.0": [False, False], "7.3.0": [True, True], "7.4.0": [True, False]}[kernel.version]
    )
