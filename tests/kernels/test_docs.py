"""docs/notebooks.md: its code runs in a real kernel of each version, from top to bottom."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.helpers.kernels import Kernel

pytestmark = pytest.mark.every_kernel

TEXT = (Path(__file__).parents[2] / "docs" / "notebooks.md").read_text(encoding="utf-8")
CODE = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)


def test_the_page_about_notebooks_runs(kernel: Kernel) -> None:
    assert len(CODE) == 6
    for number, code in enumerate(CODE[:-1]):
        kernel.run(code, cell=str(number))
    for button, left in (("go", 30), ("turn", -50)):
        kernel.click(kernel.value(f"{button}.comm.comm_id"))
        kernel.wait(f"server.robot.state()['motors']['left'] == {left}")
        kernel.click(kernel.value("halt.comm.comm_id"))
        kernel.wait("server.robot.state()['motors']['left'] == 0")
    kernel.run(CODE[-1])
    kernel.run("for one in local_servers().running(): await one.close()")
