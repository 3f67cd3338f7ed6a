"""What a server's user can send as an event, and what is refused in words."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import mbot_nb as mb
from mbot_nb.protocol.messages import MAX_NAME
from mbot_nb.server.event_payload import event_payload


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"a": [1, None, "ü"]}, {"a": [1, None, "ü"]}),
        ({"x": np.float64(1.5), "n": np.int64(3)}, {"x": 1.5, "n": 3}),
        (None, None),
    ],
)
def test_plain_data_and_numpys_numbers_are_said(data: Any, said: Any) -> None:
    payload = json.loads(event_payload("news", data))
    assert payload["event"] == "news"
    assert payload.get("data") == said


@pytest.mark.parametrize("name", ["", "x" * (MAX_NAME + 1), 3, None])
def test_a_name_that_is_none_is_refused(name: Any) -> None:
    with pytest.raises(mb.UsageError, match="name is a text of 1 to"):
        event_payload(name, {})


def test_what_is_no_plain_data_is_refused_with_what_is() -> None:
    endless: list[Any] = []
    endless.append(endless)
    for data in (object(), endless, {"a": {1, 2}.__iter__()}):
        with pytest.raises(mb.UsageError, match=r"emit\('news', \.\.\.\).*data is plain"):
            event_payload("news", data)
