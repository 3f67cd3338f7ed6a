"""Bytes that belong to no frame: counted, kept for who asks, and never for ever."""

from __future__ import annotations

from mbot_nb.robots.serial.wire.stream_decoder import NOISE_KEPT, FrameDecoder


class Marked(FrameDecoder[bytes]):
    """Frames are ``<`` and two bytes."""

    def feed(self, data: bytes) -> list[bytes]:
        self._buffer += data
        found = []
        while self._buffer:
            if self._buffer[:1] != b"<":
                self._skip(self._buffer[:1])
                del self._buffer[:1]
            elif len(self._buffer) < 3:
                break
            else:
                found.append(bytes(self._buffer[1:3]))
                del self._buffer[:3]
        return found


def test_the_beginning_of_a_frame_waits_for_its_rest() -> None:
    decoder = Marked()
    assert decoder.feed(b"<a") == []
    assert decoder.waiting == 2
    assert decoder.feed(b"b<c") == [b"ab"]
    assert decoder.waiting == 2


def test_when_nothing_more_comes_the_frames_behind_a_false_beginning_are_found() -> None:
    decoder = Marked()
    decoder.feed(b"<")
    assert decoder.feed(b"<a") == [b"<a"]
    assert decoder.feed(b"<") == []
    assert decoder.flush() == []
    assert (decoder.waiting, decoder.skipped, bytes(decoder.noise)) == (0, 1, b"<")


def test_all_noise_is_counted_and_the_last_of_it_kept() -> None:
    decoder = Marked()
    noise = bytes(range(61, 256)) * 3
    decoder.feed(noise)
    assert decoder.skipped == len(noise)
    assert bytes(decoder.noise) == noise[-NOISE_KEPT:]
