"""One HTML page in this package's style, which needs nothing else."""

from __future__ import annotations

from html import escape

from .version import __version__

__all__ = ["STYLE", "html_page"]


def html_page(title: str, body: str, *, style: str = "", footer: str = "") -> str:
    """One page in this package's style, and ``style`` beside it."""
    return _PAGE.format(
        title=escape(title),
        style=f"{STYLE}{style}",
        body=body,
        footer=escape(f"{footer} mbot_nb {__version__}.".strip()),
    )


_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
{style}
</style>
</head>
<body>
<main>
{body}
</main>
<footer>{footer}</footer>
</body>
</html>
"""

STYLE = """
:root { color-scheme: light; }
body {
  margin: 0; background: #fff; color: #202124;
  font: 16px/1.55 system-ui, "Segoe UI", "Liberation Sans", Arial, sans-serif;
}
main, footer { max-width: 54rem; margin: 0 auto; padding: 0 1.25rem; }
main { padding-top: 1.5rem; }
footer { color: #5f6368; font-size: .85rem; margin-top: 2.5rem; padding-bottom: 2rem; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: .5rem 0 1rem; }
h2 { font-size: 1.3rem; line-height: 1.25; margin: 2.4rem 0 .6rem; }
p { margin: .6rem 0; }
a { color: #1f4e79; }
a.anchor-link { display: none; }
code, pre {
  font: .86rem/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace;
}
p code, li code, td code { background: #f1f3f4; border-radius: 3px; padding: .1em .3em; }
.highlight {
  background: #f6f8fa !important; border-left: 3px solid #1f4e79; border-radius: 3px;
  margin: .9rem 0 .4rem;
}
.highlight pre { margin: 0; padding: .6rem .8rem; overflow-x: auto; line-height: 1.5; }
.output_wrapper { margin: 0 0 .9rem .95rem; }
.output_subarea { overflow-x: auto; }
.output_subarea pre { margin: .3rem 0; white-space: pre-wrap; }
.output_stream pre { margin: 0; }
.output_stderr pre { color: #8a4b00; }
.output_error pre { background: #fdf0ef; border-left: 3px solid #b3261e; padding: .6rem .8rem; }
.output_png img { max-width: 100%; height: auto; display: block; margin: .4rem 0; }
table { border-collapse: collapse; font-size: .85rem; margin: .4rem 0; }
caption { padding: .2rem .6rem .4rem 0; white-space: nowrap; }
th, td {
  padding: .22rem .6rem; text-align: right; white-space: nowrap; border: 0;
  border-bottom: 1px solid #e8eaed;
}
td {
  max-width: 40rem; overflow: hidden; text-overflow: ellipsis;
  font-variant-numeric: tabular-nums;
}
.ansi-red-fg, .ansi-red-intense-fg { color: #b3261e; }
.ansi-green-fg, .ansi-green-intense-fg { color: #1e6b34; }
.ansi-yellow-fg, .ansi-yellow-intense-fg { color: #8a4b00; }
.ansi-blue-fg, .ansi-blue-intense-fg, .ansi-cyan-fg { color: #1f4e79; }
.ansi-bold { font-weight: bold; }
@media print { .highlight, .output_png { break-inside: avoid; } }
"""
