"""A served simulated robot and a client, on any free port; pandas loaded, so that no test measures
its loading."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pandas  # noqa: F401 - loading it would block the loop of whichever test asks first
import pytest

import mbot_nb as mb


@pytest.fixture
async def server() -> AsyncIterator[mb.Server]:
    async with mb.serve(mb.SimulatedRobot(seed=1), port=0) as server:
        yield server


@pytest.fixture
async def bot(server: mb.Server) -> AsyncIterator[mb.Client]:
    async with mb.connect(server, settings={"retry_delays": (0.0, 0.05, 0.1)}) as bot:
        yield bot
