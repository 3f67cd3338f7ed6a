"""The robot's state on both sides."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mbot_nb.protocol.codec import encode
from mbot_nb.protocol.mirror import META, Mirror, StateStore

NAMES = st.sampled_from(["pose", "motors", "latch", "a", "a.b", "", "revision", "metadata"])
KEYS = st.sampled_from(["x", "y", "b", "b.c", "", "ä"])
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 2),
    st.floats(allow_nan=True, allow_infinity=True),
    st.text(max_size=3),
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)),
)
STATES = st.dictionaries(
    NAMES, st.one_of(VALUES, st.dictionaries(KEYS, LEAVES, max_size=4)), max_size=5
)


def wire(payload: Any) -> Any:
    """As it comes out on the other side."""
    return json.loads(encode(payload))


def mirrored(store: StateStore) -> Mirror:
    mirror = Mirror(resync_repeat=2.0)
    mirror.snapshot(wire(store.snapshot()), now=0.0)
    return mirror


@given(st.lists(STATES, min_size=1, max_size=12))
def test_the_mirror_equals_the_store_after_every_change(states: list[dict[str, Any]]) -> None:
    """I-WS-V2-001, for any states a robot may come up with."""
    store = StateStore(states[0])
    mirror = mirrored(store)
    for state in states:
        before, revision = mirror.state, store.revision
        kept = json.dumps(before)
        payload = store.update(state)
        if payload is None:
            assert store.revision == revision
        else:
            assert store.revision == revision + 1 == payload["revision"]
            if "delta" in payload:
                assert mirror.delta(wire(payload), now=1.0)
            else:
                mirror.snapshot(wire(payload), now=1.0)
            assert json.dumps(before) == kept  # who has read a state keeps it whole
        assert mirror.state == wire(store.state)
        assert mirror.revision == store.revision
        assert mirror.resync_due is None
        assert not META & mirror.state.keys()
        # A client that comes now knows the same.
        assert mirrored(store).state == mirror.state


@given(st.lists(STATES, min_size=3, max_size=12), st.sets(st.integers(0, 11)), st.integers(1, 4))
def test_lost_deltas_are_mended_by_one_snapshot(
    states: list[dict[str, Any]], lost: set[int], delay: int
) -> None:
    """While it is on its way deltas go on coming; afterwards the two are equal."""
    store = StateStore(states[0])
    mirror = mirrored(store)
    asked: int | None = None
    for number, state in enumerate(states):
        payload = store.update(state)
        if payload is not None and number not in lost:
            if "delta" in payload:
                mirror.delta(wire(payload), now=float(number))
            else:
                mirror.snapshot(wire(payload), now=float(number))
        if asked is None and mirror.resync_due is not None:
            asked = number
            mirror.note_request(float(number))
        if asked is not None and number >= asked + delay:
            mirror.snapshot(wire(store.snapshot()), now=float(number))
            assert mirror.resync_due is None
            asked = None
        if mirror.revision == store.revision:
            assert mirror.state == wire(store.state)
    if mirror.revision != store.revision:
        mirror.snapshot(wire(store.snapshot()), now=100.0)
    assert mirror.state == wire(store.state)


class TestTheStore:
    def test_one_field_is_one_change(self) -> None:
        store = StateStore({"a": {"x": 1, "y": 2}})
        assert store.update({"a": {"x": 1, "y": 3}}) == {
            "delta": True,
            "field": "a.y",
            "value": 3,
            "previous": 2,
            "revision": 2,
        }

    def test_several_fields_change_together(self) -> None:
        store = StateStore({"a": {"x": 1, "y": 2}, "gone": 5})
        assert store.update({"a": {"x": 0}, "new": [1]}) == {
            "delta": True,
            "changes": [
                {"field": "a.x", "value": 0, "previous": 1},
                {"field": "a.y", "previous": 2},
                {"field": "gone", "previous": 5},
                {"field": "new", "value": [1]},
            ],
            "revision": 2,
        }

    def test_what_is_not_finite_is_left_out(self) -> None:
        store = StateStore({"a": {"x": float("nan"), "y": 1.0}, "b": float("inf")})
        assert store.state == {"a": {"y": 1.0}}
        assert store.update({"a": {"y": 1.0, "x": float("-inf")}}) is None

    @pytest.mark.parametrize(
        ("one", "other"), [(1, 1.0), ([1], [1.0]), ((1, 2), [1, 2]), ({"k": 0}, {"k": 0.0})]
    )
    def test_equal_in_json_is_no_change(self, one: Any, other: Any) -> None:
        assert StateStore({"a": one}).update({"a": other}) is None

    @pytest.mark.parametrize(
        ("one", "other"), [(1, True), (0, False), (None, False), ([1], [True]), ([1], [1, 1])]
    )
    def test_different_in_json_is_a_change(self, one: Any, other: Any) -> None:
        assert StateStore({"a": one}).update({"a": other}) is not None

    def test_a_section_that_no_path_can_name_brings_the_snapshot(self) -> None:
        store = StateStore({"a": {"b": 1}, "a.b": 1})
        payload = store.update({"a": {"b": 1}, "a.b": 2})
        assert payload == {"a": {"b": 1}, "a.b": 2, "snapshot": True, "revision": 2}


def delta(revision: Any, **change: Any) -> dict[str, Any]:
    return {"delta": True, "revision": revision, **change}


class TestTheMirror:
    @pytest.fixture
    def mirror(self) -> Mirror:
        mirror = Mirror(resync_repeat=2.0)
        mirror.snapshot(
            {"a": {"x": 1}, "b": 5, "snapshot": True, "revision": 10, "metadata": {"robotId": "r"}},
            now=0.0,
        )
        return mirror

    def test_it_keeps_what_it_does_not_know_and_drops_what_stands_beside(
        self, mirror: Mirror
    ) -> None:
        assert mirror.state == {"a": {"x": 1}, "b": 5}
        assert (mirror.revision, mirror.updated_at) == (10, 0.0)

    @pytest.mark.parametrize("revision", [9, 10])
    def test_an_old_delta_is_ignored(self, mirror: Mirror, revision: int) -> None:
        assert not mirror.delta(delta(revision, field="b", value=6, previous=4), now=1.0)
        assert (mirror.state["b"], mirror.resync_due, mirror.updated_at) == (5, None, 0.0)

    @pytest.mark.parametrize(
        "wrong",
        [
            delta(12, field="b", value=6, previous=5),
            delta(11, field="b", value=6, previous=4),
            delta(11, field="b", value=6),
            delta(11, field="b", value=6, previous=5.5),
            delta(11, field="c.x", value=6),
            delta(11, field="b.x", value=6),
            delta(11, field="b", value=True, previous=True),
            delta(
                11,
                changes=[
                    {"field": "a.x", "value": 2, "previous": 1},
                    {"field": "b", "value": 6, "previous": 4},
                ],
            ),
            delta(11, changes="nonsense"),
            delta(11, changes=[5]),
            delta(11, field=7, value=6),
            delta(11),
            delta("11", field="b", value=6, previous=5),
            delta(True, field="b", value=6, previous=5),
        ],
    )
    def test_one_that_does_not_follow_changes_nothing_and_asks_once(
        self, mirror: Mirror, wrong: dict[str, Any]
    ) -> None:
        assert not mirror.delta(wrong, now=3.0)
        assert mirror.state == {"a": {"x": 1}, "b": 5}
        assert (mirror.revision, mirror.resync_due) == (10, 3.0)
        mirror.note_request(now=3.0)
        assert mirror.resync_due == 5.0  # repeated after 2 s
        assert not mirror.delta(delta(13, field="b", value=6, previous=5), now=4.0)
        assert mirror.resync_due == 5.0
        assert not mirror.delta(wrong, now=4.0)
        mirror.snapshot({"b": 7, "revision": 12}, now=4.5)
        # What was held above the snapshot is applied; here its `previous` does not match, so it
        # asks again, after a while.
        assert (mirror.revision, mirror.resync_due) == (12, 6.5)

    def test_held_deltas_above_the_snapshot_are_applied(self, mirror: Mirror) -> None:
        mirror.delta(delta(12, field="b", value=7, previous=6), now=1.0)
        mirror.delta(delta(13, field="b", value=8, previous=7), now=1.0)
        mirror.delta(delta(14, field="a.y", value=1), now=1.0)
        mirror.snapshot({"a": {"x": 1}, "b": 7, "revision": 12}, now=2.0)
        assert mirror.state == {"a": {"x": 1, "y": 1}, "b": 8}
        assert (mirror.revision, mirror.resync_due) == (14, None)

    def test_a_server_whose_deltas_never_fit_is_not_asked_in_a_circle(self, mirror: Mirror) -> None:
        mirror.delta(delta(None, field="b", value=7), now=1.0)
        mirror.note_request(1.0)
        mirror.snapshot({"b": 5, "revision": 11}, now=1.1)
        assert mirror.resync_due is None
        mirror.delta(delta(13, field="b", value=7, previous=5), now=1.2)
        mirror.note_request(1.2)
        mirror.snapshot({"b": 5, "revision": 11}, now=1.3)
        assert mirror.resync_due == 3.3

    def test_changes_of_a_section_after_its_replacement_leave_the_message_alone(
        self, mirror: Mirror
    ) -> None:
        value = {"x": 5}
        changes = [
            {"field": "a.x", "value": 2, "previous": 1},
            {"field": "a", "value": value, "previous": {"x": 2}},
            {"field": "a.x", "value": 6, "previous": 5},
        ]
        assert mirror.delta(delta(11, changes=changes), now=1.0)
        assert mirror.state["a"] == {"x": 6}
        assert value == {"x": 5}

    def test_before_the_first_snapshot_a_delta_asks_for_one(self) -> None:
        mirror = Mirror(resync_repeat=2.0)
        assert not mirror.delta(delta(2, field="b", value=6), now=1.0)
        assert mirror.resync_due == 1.0
        mirror.snapshot({"revision": 1}, now=2.0)
        assert mirror.state == {"b": 6}

    def test_a_server_without_revisions_is_mirrored_by_snapshots(self) -> None:
        mirror = Mirror(resync_repeat=2.0)
        mirror.snapshot({"b": 1}, now=0.0)
        mirror.snapshot({"b": 2}, now=1.0)
        assert (mirror.state, mirror.revision, mirror.resync_due) == ({"b": 2}, None, None)

    def test_what_is_held_is_bounded(self, mirror: Mirror) -> None:
        for revision in range(12, 12 + 2 * Mirror.HELD):
            mirror.delta(delta(revision, field="b", value=revision), now=1.0)
        assert len(mirror._held) == Mirror.HELD

    def test_a_cut_takes_the_request_with_it(self, mirror: Mirror) -> None:
        mirror.delta(delta(12, field="b", value=7, previous=6), now=1.0)
        mirror.forget_request()
        assert mirror.resync_due is None
        mirror.snapshot({"b": 5, "revision": 11}, now=2.0)
        assert (mirror.state, mirror.resync_due) == ({"b": 5}, None)
