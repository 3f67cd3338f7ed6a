"""One page of HTML that needs nothing else."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import mbot_nb as mb
from mbot_nb.html_page import html_page


class Tags(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag != "meta":
            self.open.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("src", "href")]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_it_is_whole_and_loads_nothing() -> None:
    page = html_page("A run", "<h1>A run</h1>", style=".mine { color: red; }", footer="Made today.")
    tags = Tags(page)
    assert tags.open == []
    assert tags.links == []
    assert "@import" not in page
    assert "url(" not in page
    assert ".mine { color: red; }" in page
    assert f"<footer>Made today. mbot_nb {mb.__version__}.</footer>" in page


def test_title_and_footer_are_text_and_the_body_is_html() -> None:
    page = html_page("<b>&", "<p>it is</p>", footer="<i>")
    assert re.search(r"<title>(.*)</title>", page)[1] == "&lt;b&gt;&amp;"  # type: ignore[index]
    assert "<footer>&lt;i&gt;" in page
    assert "<main>\n<p>it is</p>\n</main>" in page
