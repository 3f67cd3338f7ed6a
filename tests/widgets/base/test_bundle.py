"""The scripts of a page are joined to one module that imports nothing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mbot_nb import widgets
from mbot_nb.widgets.base.bundle import STATIC, page_script, page_style
from mbot_nb.widgets.base.live_widget import LiveWidget

ENTRIES = sorted(path.name for path in STATIC.glob("*.js"))


def _write(folder: Path, **modules: str) -> Path:
    for name, text in modules.items():
        (folder / f"{name}.js").write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize("entry", ENTRIES)
def test_a_widget_s_page_is_one_module(entry: str) -> None:
    script = page_script(entry)
    assert not re.search(r"^import\b", script, re.MULTILINE)
    assert re.findall(r"^export .*", script, re.MULTILINE) == ["export default { render };"]
    # What several modules import is there once.
    scopes = re.findall(r"^const (\$\w+) = \(\(\) => \{$", script, re.MULTILINE)
    assert len(scopes) == len(set(scopes)) >= 1


def test_every_widget_has_its_page() -> None:
    shown = [getattr(widgets, name) for name in widgets.__all__]
    live = [one for one in shown if issubclass(one, LiveWidget)]
    assert len(live) == len(ENTRIES) - 1, "the cockpit's tabs are no live widget"
    for one in live:
        assert "export default" in one._esm
        assert page_style() in one._css


def test_a_module_comes_before_what_imports_it_and_shares_no_names(tmp_path: Path) -> None:
    folder = _write(
        tmp_path,
        main='import { double } from "./double.js";\n\nconst STEP = 3;\n'
        "export default { double };\n",
        double='import {\n  two,\n} from "./two.js";\n\nconst STEP = 1;\n'
        "export function double(x) {\n  return two * x * STEP;\n}\n",
        two="export const two = 2;\n",
    )
    script = page_script("main.js", folder)
    assert script.index("$two = ") < script.index("$double = ") < script.index("STEP = 3")
    assert "return { double };\n})();" in script
    assert "const { double } = $double;" in script


def test_other_forms_are_refused(tmp_path: Path) -> None:
    folder = _write(
        tmp_path, all='import * as all from "./two.js";\n', two="export const two = 2;\n"
    )
    with pytest.raises(ValueError, match=r"all\.js: .* cannot be joined; write"):
        page_script("all.js", folder)
    _write(tmp_path, again='export { two } from "./two.js";\n')
    with pytest.raises(ValueError, match=r"again\.js"):
        page_script("again.js", folder)


def test_an_import_cycle_is_refused(tmp_path: Path) -> None:
    folder = _write(
        tmp_path,
        one='import { b } from "./other.js";\nexport const a = 1;\n',
        other='import { a } from "./one.js";\nexport const b = 2;\n',
    )
    with pytest.raises(ValueError, match="which imports it"):
        page_script("one.js", folder)
