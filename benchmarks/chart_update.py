"""``chart_update``: CPU time of one update of a LiveChart with four lines of 1000 points, beside a
matplotlib PNG in an Output."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

from .figures import Comparison, Goal
from .harness import Contender
from .notebook import Notebook, kernel

__all__ = ["comparisons"]

_LINES = 4
_POINTS = 1000
_UPDATES = 60
_RATE = 20  # Hz; slower than a PNG can be made
_MOST = 2.0  # ms

_OPEN = f"""
import asyncio, math, time
import mbot_nb as mb
from mbot_nb.protocol.client.events import EventReceived

server = await mb.serve(port=0)
bot = await mb.connect(server)
names = ["a", "b", "c", "d"][:{_LINES}]

def values(number):
    return {{name: math.sin(number / 50 + at) for at, name in enumerate(names)}}

async def updates(update):
    "Kernel time of one update, ms: of all threads, without what it pays between updates."
    async def cpu(each):
        before, due = time.process_time(), time.monotonic()
        for number in range({_UPDATES}):
            each(number)
            due += 1 / {_RATE}
            await asyncio.sleep(max(0.0, due - time.monotonic()))
        return time.process_time() - before
    for number in range(5):
        update(number)
        await asyncio.sleep(1 / {_RATE})
    idle = await cpu(lambda number: None)
    return (await cpu(update) - idle) / {_UPDATES} * 1e3
"""
_CHART = f"""
chart = mb.widgets.LiveChart(bot, *(f"bench.{{name}}" for name in names), points={_POINTS})
def update(number):
    bot._on_event(EventReceived(time.monotonic(), "bench", values(number), None, 0))
for number in range({_POINTS}):
    update(number)
"""
_PNG = f"""
import io
import ipywidgets
from IPython.display import Image, display
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

output = ipywidgets.Output()
display(output)
figure = Figure(figsize=(7.6, 2.4), dpi=100)
canvas = FigureCanvasAgg(figure)
axes = figure.add_subplot()
rows = [[math.sin(number / 50 + at) for number in range({_POINTS})] for at in range({_LINES})]
drawn = [axes.plot(row)[0] for row in rows]

def update(number):
    for row, line in zip(rows, drawn):
        row.append(math.sin(number / 50))
        del row[0]
        line.set_ydata(row)
    file = io.BytesIO()
    canvas.print_png(file)
    with output:
        output.clear_output(wait=True)
        display(Image(data=file.getvalue()))
"""


def comparisons() -> list[Comparison]:
    """What this module measures."""
    return [
        Comparison(
            name="chart_update",
            ours=Contender("LiveChart", partial(_in_kernel, _chart)),
            theirs=Contender("Output with a matplotlib PNG", partial(_in_kernel, _png)),
            unit="ms",
            goal=Goal(ratio_at_most=1 / 15, ours_at_most=_MOST),
            how=(
                f"CPU time of the kernel's process for one update of {_LINES} lines of {_POINTS} "
                f"points at {_RATE} Hz, mean of "
                f"{_UPDATES}: `LiveChart`, which sends what is new, against `Output` with a PNG "
                "of a matplotlib figure "
                "(no pyplot, lines updated in place, 760 x 240 pixels)"
            ),
        )
    ]


async def _chart(notebook: Notebook) -> float:
    await notebook.run(_OPEN + _CHART)
    (chart,) = [id for id, state in notebook.models.items() if "snapshot" in state]
    notebook.custom(chart, {"kind": "show", "view": "benchmark", "fresh": True})
    await notebook.until(
        lambda: any(_kind(message) == "points" for message in notebook.widget_messages)
    )
    before = len(notebook.widget_messages)
    took = float(await notebook.value("await updates(update)"))
    # A refresh may take two values; a chart that sends nothing would look cheap.
    points = [
        message for message in notebook.widget_messages[before:] if _kind(message) == "points"
    ]
    sent = sum(message["content"]["counts"][0] for message in points)
    if sent < _UPDATES or len(points) < 0.8 * _UPDATES:
        raise RuntimeError(
            f"the chart has sent {sent} values in {len(points)} messages for {_UPDATES} updates: "
            "it is not in view"
        )
    return took


async def _png(notebook: Notebook) -> float:
    await notebook.run(_OPEN + _PNG)
    return float(await notebook.value("await updates(update)"))


async def _in_kernel(measure: Callable[[Notebook], Awaitable[float]]) -> float:
    async with kernel() as notebook:
        return await measure(notebook)


def _kind(message: dict[str, object]) -> object:
    content = message.get("content")
    return content.get("kind") if isinstance(content, dict) else None
