"""`lab.load` follows each command through its stages."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import mbot_nb as mb
from mbot_nb import plots
from mbot_nb.lab import LoadRun, Network, Relay, compare, load
from mbot_nb.lab.loading import STAGES, _Commands
from tests.helpers.connections import Through
from tests.helpers.pictures import small_print
from tests.helpers.waiting import undisturbed


async def test_the_stages_make_up_the_whole(through: Through) -> None:
    bot = await through(Network(0.02))
    run = await undisturbed(
        lambda: load(bot, rate=100, duration=1.0, work=0.002),
        lambda run: bool(run.samples[["wire_ms", "answer_ms"]].quantile(0.1).max() >= 23),
    )
    samples = run.samples
    assert run.lost == 0
    assert np.allclose(samples[list(STAGES)].sum(axis=1), samples["total_ms"])
    assert (samples[["batch_ms", "wire_ms", "order_ms", "handler_ms", "answer_ms"]] >= 0).all(
        axis=None
    )
    for way in ("wire_ms", "answer_ms"):
        assert (
            20 <= samples[way].min() <= samples[way].quantile(0.1) < 23
        )  # the rest belongs to a busy machine
    assert samples["handler_ms"].min() >= 2
    # The ten of a batch arrive together and are carried out one after the other.
    full = samples[samples["batch_size"] == 10]
    assert full["order_ms"].max() > 9 * 2
    assert run.stages.index.tolist() == [*STAGES, "total_ms"]
    assert run.stages.loc["total_ms", "mean"] == pytest.approx(run.stages["mean"].iloc[:-1].sum())


@pytest.mark.parametrize(
    ("rate", "window", "size"),
    [(200, 0.1, 10), (100, 0.035, 10), (20, 0.1, 10), (100, 0.1, 1)],
)
async def test_the_wait_in_a_batch_is_that_of_the_closed_form(
    bot: mb.Client, rate: float, window: float, size: int
) -> None:
    together = min(size, int(window * rate) + 1)

    def steady(run: LoadRun) -> Any:
        return run.samples[
            ~run.samples["warm_up"] & ~run.samples["cool_down"] & ~run.samples["stalled"]
        ]

    def even(run: LoadRun) -> tuple[list[Any], list[Any]]:
        """The form is for evenly spaced commands; on a busy machine some batches are not made of
        such. And all of these."""
        batches = [rows for _, rows in steady(run).groupby("batch")]
        spaced = [
            rows
            for rows in batches
            if np.allclose(np.diff(rows["queued_s"]), 1 / rate, atol=0.25 / rate)
        ]
        return [rows for rows in spaced if len(rows) == together], spaced

    run = await undisturbed(
        lambda: load(
            bot, rate=rate, duration=1.5, batch_window=window, max_batch_size=size, stall=0.1
        ),
        lambda run: len(even(run)[0]) < max(2, len(even(run)[1]) / 3),
    )
    assert run.mean_wait == pytest.approx(steady(run)["batch_ms"].mean() / 1e3)
    batches, spaced = even(run)
    assert len(batches) >= max(2, len(spaced) / 3)
    waits = [rows["batch_ms"].mean() / 1e3 for rows in batches]
    assert np.median(waits) == pytest.approx(run.expected_wait, rel=0.15, abs=0.002)
    assert {reason for rows in batches for reason in rows["reason"]} == {
        "unbatched" if size == 1 else "size" if together == size else "window"
    }


async def test_the_adaptive_policy_sends_at_once_on_an_idle_link(bot: mb.Client) -> None:
    run = await load(bot, rate=5, duration=1.0, policy="adaptive")
    assert run.samples["batch_ms"].median() < 5
    assert np.isnan(run.expected_wait)


async def test_the_client_batches_as_before_afterwards(bot: mb.Client) -> None:
    before = bot.batch
    await load(bot, rate=200, duration=0.2, batch_window=0.01, max_batch_size=3)
    queue = bot.batch
    assert (queue.window, queue.size, queue.policy) == (before.window, before.size, before.policy)
    task = asyncio.ensure_future(load(bot, rate=100, duration=10, batch_window=0.5))
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert bot.batch.window == before.window
    # What still waited was sent.
    await bot.flush()
    assert bot.stats.waiting == 0


async def test_nothing_is_lost_or_doubled_across_a_cut(
    through: Through, relay_of: Callable[[mb.Client], Relay]
) -> None:
    bot = await through(Network(0.005))

    async def cut() -> None:
        await asyncio.sleep(0.3)
        relay_of(bot).cut()

    run, _ = await asyncio.gather(load(bot, rate=200, duration=0.8, batch_window=0.02), cut())
    assert run.lost == 0
    assert any("reconnecting" in note for note in run.notes)
    assert run.samples["answered_s"].is_monotonic_increasing


async def test_a_server_without_the_lab_tells_only_the_acknowledgement(
    bot: mb.Client, server: mb.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As if it were another process's.
    monkeypatch.setattr("mbot_nb.embedded.registry.LocalServers.at", lambda self, url: None)
    run = await load(bot, rate=100, duration=0.5, stall=0.5)
    assert run.figure == "acknowledged_ms"
    assert run.lost == 0
    assert run.samples["wire_ms"].isna().all()
    assert any("lab.answer(server)" in note for note in run.notes)
    assert run.mean_wait == pytest.approx(run.expected_wait, rel=0.5)


async def test_within_one_process_there_is_no_error_to_tell(bot: mb.Client) -> None:
    run = await load(bot, rate=100, duration=0.2)
    assert run.clock_error == 0
    assert "clock_error_ms" not in run.stages
    assert "clock_error_ms" not in run.statistics
    assert "±" not in run._repr_html_()
    assert "two clocks" not in small_print(plots.stages(run))


async def test_the_pause_between_two_batches_is_no_gap(bot: mb.Client) -> None:
    """Ten answers come at once, and then none for 0.1 s."""
    run = await load(bot, rate=100, duration=1.0, batch_window=0.2, max_batch_size=10, stall=0.1)
    assert run.gaps.limit == pytest.approx(0.3)
    assert run.gaps.longest > 0.05
    words = (
        str(run.gaps)
        if run.gaps.longest > 0.3
        else f"no gaps: the longest pause between answers took {run.gaps.longest * 1e3:.3g} ms"
    )
    assert words in run._repr_html_()
    alone = await load(bot, rate=100, duration=0.3, batch_window=0)
    assert alone.gaps.limit == pytest.approx(0.03)


async def test_runs_can_be_compared(through: Through, bot: mb.Client) -> None:
    near = await load(bot, rate=100, duration=0.5, batch_window=0, name="near")
    far = await load(
        await through(Network(0.01)), rate=100, duration=0.5, batch_window=0, name="far"
    )
    found = compare(near, far)
    assert found.differs
    assert 0.015 < found.p50.value < 0.04
    assert repr(found).startswith("<far against near: far is slower")


async def test_what_makes_no_sense_is_refused(bot: mb.Client) -> None:
    with pytest.raises(mb.UsageError, match="policy"):
        load(bot, policy="lazy")  # type: ignore[arg-type]
    with pytest.raises(mb.UsageError, match="duration"):
        load(bot, duration=-1)


async def test_it_survives_cuts_that_swallow_its_own_pings(through: Through) -> None:
    bot = await through(
        Network(delay=0.02, cut_every=0.25), settings={"retry_delays": (0.0, 0.02, 0.05)}
    )
    run = await load(bot, rate=50, duration=1.0, timeout=10.0)
    assert run.lost == 0
    assert any("reconnecting" in note for note in run.notes)


async def test_a_ping_of_its_own_that_a_cut_swallows_is_counted(bot: mb.Client) -> None:
    commands = _Commands(bot, 1, 0.0)
    pinging = asyncio.ensure_future(commands._ping())
    await asyncio.sleep(0)
    bot.cut()
    await pinging
    assert commands._lost_pings == 1
    await bot.close()
    with pytest.raises(mb.NotConnectedError):
        await commands._ping()


async def test_a_recorder_beside_it_knows_how_commands_were_batched(bot: mb.Client) -> None:
    rec = mb.Recorder(bot, ping_rate=0)
    await load(bot, rate=100, duration=0.4, batch_window=0.02, max_batch_size=5)
    (before, during, after) = rec.metadata["batching"]
    assert (
        (before["batch_window"], before["max_batch_size"])
        == (after["batch_window"], after["max_batch_size"])
        == (0.1, 10)
    )
    assert (during["batch_window"], during["max_batch_size"], during["batch_policy"]) == (
        0.02,
        5,
        "window",
    )
    sent = rec.batches.query("reason == 'window'").time_s
    assert ((during["since_s"] <= sent) & (sent <= after["since_s"])).all()
    # The lab asked whether it is answered in the old way.
    assert "(window 100 ms, size 10; from 0.0 s on window 20 ms, size 5)" in small_print(
        plots.batches(rec)
    )
    bot.send("void")
    await bot.flush()
    rec.stop()
    small = small_print(plots.batches(rec.to_recording()))
    assert "s on window 20 ms, size 5; from " in small
    assert "s on window 100 ms, size 10)" in small
    assert "window 100 ms, size 10, then window 20 ms, size 5" in small_print(plots.latency(rec))


async def test_a_recorder_that_goes_on_meanwhile_knows_it_too(bot: mb.Client) -> None:
    rec = mb.Recorder(bot, ping_rate=0).pause()
    task = asyncio.ensure_future(load(bot, rate=100, duration=0.3, batch_window=0.02))
    await asyncio.sleep(0.1)
    rec.start()
    await task
    assert [one["batch_window"] for one in rec.metadata["batching"]] == [0.1, 0.02, 0.1]
    rec.stop()
