"""A still picture of a chart."""

from __future__ import annotations

from io import BytesIO

from PIL import Image

import mbot_nb as mb
from mbot_nb.widgets import LiveChart
from tests.helpers.widget_page import Page


async def test_a_page_without_a_kernel_sees_the_lines(page: Page, bot: mb.Client) -> None:
    chart = LiveChart(bot, "pose.x", "telemetry.speed")
    await bot.drive(40, 40, duration=0.4)
    bundle = chart._repr_mimebundle_()
    assert bundle is not None
    assert "pose.x" in bundle[1]["image/png"]["alt"]
    image = Image.open(BytesIO(chart.still_picture())).convert("RGB")
    colors = {image.getpixel((x, y)) for x in range(image.width) for y in range(image.height)}
    assert any(
        isinstance(color, tuple) and abs(color[2] - 178) < 25 and color[0] < 40 for color in colors
    ), "a blue line"
    chart.close()
