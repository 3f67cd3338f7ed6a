"""A kernel reads each message that the page sends, also the one that comes while it writes a reply,
and tells each cell's end."""

from __future__ import annotations

import queue
import random
import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.helpers.kernels import Kernel

pytestmark = pytest.mark.every_kernel

PAIRS = 400
"""ipykernel 7.3 as it comes loses the second message of 1 in 40 pairs: none of 400 would be a
chance of 1 in 25,000."""
WINDOW = 0.004
"""Seconds within which the reply to the first of a pair is written."""
LOST = 5.0
"""Seconds; an answer takes 2 ms."""


def test_no_message_waits_for_the_next_connection(kernel: Kernel) -> None:
    kernel.run(
        "server = await mb.serve(port=0)\nbot = await mb.connect(server)\nawait bot.close(); await "
        "server.close()"
    )
    chance = random.Random(1)
    for number in range(PAIRS):
        asked = {kernel.client.comm_info()}
        time.sleep(chance.uniform(0, WINDOW))
        asked.add(kernel.client.comm_info())
        while asked:
            try:
                asked.discard(kernel.client.get_shell_msg(timeout=LOST)["parent_header"]["msg_id"])
            except queue.Empty:
                pytest.fail(
                    f"{len(asked)} of the {number + 1}th pair of messages were not read by "
                    f"ipykernel {kernel.version}"
                )


def test_the_end_of_each_cell_is_told_though_a_page_talks(kernel: Kernel) -> None:
    """ipykernel 7.4.0 as it comes tells the end of the second of two cells as the first's, each
    time."""
    kernel.run("server = await mb.serve(port=0)\nawait server.close()")
    kernel.run(
        "import comm\ntalk = comm.create_comm(target_name='talk')\ntalk.on_msg(lambda message: "
        "None)"
    )
    talk = kernel.value("talk.comm_id")
    for _ in range(5):
        cells = [
            kernel.start("await asyncio.sleep(0.02)"),
            kernel.start("await asyncio.sleep(0.01)"),
        ]
        for _ in range(40):
            kernel.comm(talk, {})
            time.sleep(0.001)
        for cell in cells:
            kernel.finish(cell, patience=LOST)
    kernel.run("talk.close()")


def test_a_configuration_may_name_it(usual_kernel: Kernel) -> None:
    """As `make lab` and Binder do, so that it is mended before anything is connected."""
    usual_kernel.run("%load_ext mbot_nb.jupyter.ipykernel_fixes")
    assert usual_kernel.value(
        "get_ipython().kernel.shell_channel_thread.manager._shell_socket is "
        "get_ipython().kernel.shell_stream"
    )
