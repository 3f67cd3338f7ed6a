"""docs/recording.md says what is: every table, every column, every kind of block."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mbot_nb.recording.files import mbot_blocks
from mbot_nb.recording.files.formats import FORMATS
from mbot_nb.recording.files.mbot_file import TABLES
from mbot_nb.recording.tables.schema import SCHEMA, SUBJECTS

PAGE = (Path(__file__).parents[2] / "docs" / "recording.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", SCHEMA)
def test_a_table_and_its_columns(name: str) -> None:
    part = PAGE.partition(f"### {name}\n")[2].partition("\n#")[0]
    assert SUBJECTS[name] in part
    rows = re.findall(r"^\| `(\w+)` \| [^|]+ \| (.+) \|$", part, re.MULTILINE)
    assert rows == [(column.name, column.meaning) for column in SCHEMA[name]]


def test_the_file_format() -> None:
    assert mbot_blocks.MAGIC.decode() in PAGE
    assert f"head of {mbot_blocks.HEAD.size} bytes" in PAGE
    numbers = ", ".join(f"{number} {name}" for number, name in enumerate(TABLES))
    assert numbers in " ".join(PAGE.split())


def test_every_format() -> None:
    for suffix in FORMATS:
        assert f"| `{suffix}` |" in PAGE
