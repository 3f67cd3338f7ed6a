"""The doctor: each thing that may be amiss is found, and its remedy is the line to type."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest

import mbot_nb as mb
from mbot_nb.diagnostics.findings import Check, Findings


def test_it_looks_at_everything_and_this_environment_is_sound() -> None:
    report = mb.doctor()
    subjects = [check.subject for check in report]
    assert subjects[:6] == [
        "Python",
        "packages",
        "kernel and clicks",
        "JupyterLab",
        "event loop",
        "folders",
    ]
    assert {"serial ports", "guard", "port 4000", "network inside", "proxy", "firewall"} <= set(
        subjects
    )
    levels = {check.subject: check.level for check in report}
    assert {levels[subject] for subject in (*subjects[:6], "network inside")} == {"good"}
    assert all(check.remedy for check in report if check.level != "good"), (
        "whatever is amiss has a remedy"
    )


# The report.


def test_a_report_is_text_and_a_table_with_the_text_to_copy() -> None:
    report = Findings(
        [
            Check(
                "port /dev/ttyUSB0",
                "bad",
                "belongs to <dialout>",
                "`sudo usermod -aG dialout $USER`, then log in again",
            ),
            Check("Python", "good", "3.11"),
        ]
    )
    assert report.level == "bad"
    assert Findings([]).level == "good"
    lines = str(report).splitlines()
    assert lines[0] == "bad      port /dev/ttyUSB0  belongs to <dialout>"
    assert lines[1].strip() == "-> `sudo usermod -aG dialout $USER`, then log in again"
    assert lines[2] == "good     Python             3.11"

    class Page(HTMLParser):
        area, inside, clicks = "", False, 0

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            assert tag not in ("script", "dialout")
            self.inside = tag == "textarea"
            self.clicks += "onclick" in dict(attrs)

        def handle_data(self, data: str) -> None:
            self.area += data if self.inside else ""

        def handle_endtag(self, tag: str) -> None:
            self.inside = False

    page = Page()
    page.feed(report._repr_html_())
    assert page.area == str(report)
    assert page.clicks == 2
    assert "<code>sudo usermod -aG dialout $USER</code>" in report._repr_html_()


def test_a_folder_that_cannot_be_keeps_nothing_else_from_being_looked_at(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("MBOT_NB_RUNTIME_DIR", "/proc/nothing")
    rows = {row.subject: row for row in mb.doctor()}
    assert "cannot be made" in rows["folders"].found
    assert "set MBOT_NB_RUNTIME_DIR" in rows["folders"].remedy
    assert len(rows) > 8
    assert "cannot be looked up" in caplog.text
