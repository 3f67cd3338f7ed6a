"""The serial figures measure what they say: streams are what was encoded, and the usual parsers do
lose frames of them."""

from __future__ import annotations

from benchmarks import serial as bench
from mbot_nb.robots.serial.wire import f3, ff55


def test_our_decoders_get_every_frame_of_the_streams() -> None:
    stream, expected = bench.f3_stream()
    assert f3.Decoder().feed(stream) == expected
    values, sent = bench.ff55_stream()
    assert ff55.Decoder().feed(values) == sent


def test_a_search_for_headers_loses_the_reply_that_holds_one() -> None:
    reply = f3.encode_script('{"ret": true}', 243)
    assert bench.search_for_header().feed(reply) == []
    ordinary = f3.encode_script('{"ret": true}', 1)
    assert bench.search_for_header().feed(ordinary) == f3.Decoder().feed(ordinary)


def test_splitting_at_line_ends_loses_the_float_that_holds_one() -> None:
    spoilt = ff55.encode_value(3, ff55.FLOAT, 8007 / 58)
    assert b"\r\n" in spoilt[4:8]
    assert bench.split_at_line_ends().feed(spoilt) == []
    ordinary = ff55.encode_value(3, ff55.FLOAT, 100)
    assert bench.split_at_line_ends().feed(ordinary) == ff55.Decoder().feed(ordinary)


async def test_the_misparses_that_are_counted_are_theirs() -> None:
    rows = {row.name: row for row in bench.comparisons()}
    for kind in ("f3", "ff55"):
        row = rows[f"serial_misparses_{kind}"]
        assert await row.ours.sample() == 0
        assert row.theirs is not None
        assert await row.theirs.sample() > 0
