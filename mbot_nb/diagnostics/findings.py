"""The findings of `mb.doctor()`, as text and as a table."""

from __future__ import annotations

from html import escape
from typing import Literal, NamedTuple

from ..embedded.discovery import with_code

__all__ = ["Check", "Findings", "Level"]

Level = Literal["good", "warning", "bad"]
LEVELS: tuple[Level, ...] = ("good", "warning", "bad")
COLOURS = {"good": "#2e7d32", "warning": "#b26a00", "bad": "#c62828"}
SIGNS = {"good": "&#10003;", "warning": "!", "bad": "&#10007;"}

# The button copies where the page lets it; else the text is selected, to be copied by hand.
_COPY = (
    "const area = this.parentElement.querySelector('textarea'); area.select();"
    "navigator.clipboard && navigator.clipboard.writeText(area.value).then(() => { "
    "this.textContent = 'Copied'; })"
)


class Check(NamedTuple):
    """One finding."""

    subject: str
    level: Level
    found: str
    remedy: str = ""
    """What to do, if there is something to do."""

    @classmethod
    def good(cls, subject: str, found: str) -> Check:
        """Nothing to do."""
        return cls(subject, "good", found)

    @classmethod
    def warning(cls, subject: str, found: str, remedy: str) -> Check:
        """Something does not work, or not always."""
        return cls(subject, "warning", found, remedy)

    @classmethod
    def bad(cls, subject: str, found: str, remedy: str) -> Check:
        """Nothing works before this is mended."""
        return cls(subject, "bad", found, remedy)


class Findings(tuple[Check, ...]):
    """All findings, as text and as a table."""

    @property
    def level(self) -> Level:
        """The worst of its rows."""
        return max((check.level for check in self), key=LEVELS.index, default="good")

    @property
    def text(self) -> str:
        """To be copied into a mail or a question."""
        width = max((len(check.subject) for check in self), default=0)
        lines = []
        for check in self:
            lines.append(f"{check.level:<7}  {check.subject:<{width}}  {check.found}")
            if check.remedy:
                lines.append(f"{'':<7}  {'':<{width}}  -> {check.remedy}")
        return "\n".join(line.rstrip() for line in lines)

    def __repr__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        rows = "".join(_row(check) for check in self)
        lines = len(self.text.splitlines())
        return (
            f"<table><tbody>{rows}</tbody></table><details><summary>As text, to copy</summary>"
            f'<button type="button" onclick="{escape(_COPY)}">Copy</button><br>'
            f"<textarea readonly rows='{min(lines, 30)}' cols='100' aria-label='The report as text'"
            " onclick='this.select()' style='font-family:monospace;white-space:pre'>"
            f"{escape(self.text)}</textarea></details>"
        )


def _row(check: Check) -> str:
    left = "style='text-align:left;vertical-align:top'"
    remedy = f"<br>&rarr; {with_code(check.remedy)}" if check.remedy else ""
    colour, sign = COLOURS[check.level], SIGNS[check.level]
    return (
        f"<tr><td {left}><b style='color:{colour}'>{sign}&nbsp;{check.level}</b></td>"
        f"<th {left}>{escape(check.subject)}</th>"
        f"<td {left}>{with_code(check.found)}{remedy}</td></tr>"
    )
