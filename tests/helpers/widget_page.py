"""A page for widgets: it hears what they send, and answers as the browser's side does."""

from __future__ import annotations

from array import array
from typing import Any

from comm.base_comm import BaseComm

from mbot_nb.widgets import CommandPanel, LiveChart
from mbot_nb.widgets.base.live_widget import LiveWidget

PATIENCE = 5.0


class Page:
    """Everything that widgets have sent."""

    def __init__(self) -> None:
        self.comms: list[PageComm] = []

    def messages(self, widget: LiveWidget) -> list[dict[str, Any]]:
        """The custom messages of a widget so far, oldest first."""
        return [
            message["data"]["content"]
            for one in self.comms
            if one.comm_id == widget.model_id
            for message in one.sent
            if message["data"].get("method") == "custom"
        ]

    def binary(self, widget: LiveWidget) -> list[tuple[dict[str, Any], bytes]]:
        """The custom messages that carried a buffer, and the buffer."""
        return [
            (message["data"]["content"], message["buffers"][0])
            for one in self.comms
            if one.comm_id == widget.model_id
            for message in one.sent
            if message["buffers"] and message["data"].get("method") == "custom"
        ]

    def open_cards(self) -> int:
        """How many cards there are. Each is two models: itself and its layout."""
        left = sum(1 for one in self.comms if not one.closed)
        assert left % 2 == 0, "half a card is left"
        return left // 2

    def send(self, widget: LiveWidget, **content: Any) -> None:
        """What a view sends."""
        message = {"content": {"data": {"method": "custom", "content": content}}, "buffers": []}
        next(one for one in self.comms if one.comm_id == widget.model_id).handle_msg(message)


class PageComm(BaseComm):
    """The kernel's end of a connection to the page."""

    page: Page

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.sent: list[dict[str, Any]] = []
        self.closed = False
        self.page.comms.append(self)
        super().__init__(*args, **kwargs)

    def publish_msg(
        self,
        msg_type: str,
        data: Any = None,
        metadata: Any = None,
        buffers: Any = None,
        **keys: Any,
    ) -> None:
        if msg_type == "comm_msg":
            self.sent.append({"data": data, "buffers": [bytes(buffer) for buffer in buffers or ()]})
        elif msg_type == "comm_close":
            self.closed = True


def latest(page: Page, widget: LiveWidget, name: str) -> Any:
    """The last value of this name that the page was told."""
    return next(
        (message[name] for message in reversed(page.messages(widget)) if name in message), None
    )


def answers(page: Page, panel: CommandPanel, form: str) -> list[tuple[str, str]]:
    return [
        (m["state"], m["text"])
        for m in page.messages(panel)
        if m["kind"] == "answer" and m["form"] == form
    ]


def statuses(page: Page, widget: LiveWidget) -> list[str]:
    return [message["text"] for message in page.messages(widget) if message["kind"] == "status"]


def lines(page: Page, chart: LiveChart, since: int = 0) -> list[list[tuple[float, float]]]:
    """What the page has got of each line, after so many messages with values."""
    got: list[list[tuple[float, float]]] = [[] for _ in latest(page, chart, "lines")]
    for content, data in page.binary(chart)[since:]:
        numbers = array("d", data).tolist()
        for line, count in enumerate(content["counts"]):
            pairs, numbers = numbers[: 2 * count], numbers[2 * count :]
            got[line] += list(zip(pairs[::2], pairs[1::2], strict=True))
        assert numbers == []
    return got
