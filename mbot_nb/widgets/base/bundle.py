"""The script and the style of a widget's page, each as one text.

Every module that is needed becomes a function's scope that returns what the module exports, so that
modules share no names; what is imported comes before what imports it. docs/design.md ("Widgets")
says why this is done here, and what it refuses.

Texts, not paths: anywidget watches a path for its developer, and so keeps the widget for ever.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

__all__ = ["page_script", "page_style"]

STATIC = Path(__file__).parent.parent / "static"

_IMPORT = re.compile(r'^import \{([^}]*)\} from "(\.{1,2}/[^"]+)";$', re.MULTILINE)
_EXPORT = re.compile(r"^export ((?:async )?(?:function|class|const) (\w+))", re.MULTILINE)
_OTHER = re.compile(r"^(?:import\b|export (?!default )).*", re.MULTILINE)


def page_script(entry: str, static: Path = STATIC) -> str:
    """Join a module and all that it imports.

    Args:
        entry: the module's path below ``static``; what it exports as `default`, the text exports.
        static: the folder of the sources.

    Returns:
        One module of JavaScript that imports nothing.

    Raises:
        ValueError: for an import or export that is written in another form, or an import cycle.
    """
    joined: dict[Path, str] = {}
    main = _join((static / entry).resolve(), static.resolve(), joined, ())
    return "\n".join([*joined.values(), main])


def page_style(*names: str) -> str:
    """Join style sheets: what all widgets share, then those named."""
    return "\n".join(_read(STATIC / "styles" / name) for name in ("live.css", *names))


def _join(path: Path, static: Path, joined: dict[Path, str], importers: tuple[Path, ...]) -> str:
    """A module's own text; what it imports is put into ``joined`` before."""
    text = _read(path)
    for _, target in _IMPORT.findall(text):
        module = (path.parent / target).resolve()
        if module in (path, *importers):
            raise ValueError(
                f"{path.name} imports {module.name}, which imports it: move what both need"
            )
        if module not in joined:
            joined[module] = _scope(
                module, _join(module, static, joined, (path, *importers)), static
            )

    def local(found: re.Match[str]) -> str:
        return f"const {{{found[1]}}} = {_variable((path.parent / found[2]).resolve(), static)};"

    text = _IMPORT.sub(local, text)
    left = _OTHER.search(_EXPORT.sub(r"\1", text))
    if left is not None:
        raise ValueError(
            f"{path.name}: {left[0]!r} cannot be joined; write `import {{ name }} from"
            ' "./file.js";`, or `export` before a function, a class or a const'
        )
    return text


def _scope(path: Path, text: str, static: Path) -> str:
    """A module as a variable that holds what it exports."""
    exported = ", ".join(name for _, name in _EXPORT.findall(text))
    body = _EXPORT.sub(r"\1", text)
    return f"const {_variable(path, static)} = (() => {{\n{body}return {{ {exported} }};\n}})();\n"


def _variable(path: Path, static: Path) -> str:
    return "$" + re.sub(r"\W", "_", str(path.relative_to(static).with_suffix("")))


@cache
def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")
