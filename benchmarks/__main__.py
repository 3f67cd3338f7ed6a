"""``python -m benchmarks [NAME ...]``: measure all figures, or those named, write each into the
results file as soon as it is known, and print the table."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console

from . import (
    browser,
    chart_update,
    click_to_robot,
    cockpit,
    dataset_scan,
    fan_out,
    import_time,
    kernel,
    lab_truth,
    ping,
    recorder,
    report,
    results,
    sending,
    serial,
    sim_step,
    stop_latency,
    sync_call,
    time_to_motion,
)
from .changes import Row, changes, print_changes
from .figures import Comparison, Failure, Figure, compare
from .harness import take_turns

# What is measured together takes turns together; an import is short and its spread wide, so that it
# gets more rounds.
SUITES: tuple[tuple[list[Comparison], int], ...] = (
    (ping.comparisons(), 7),
    (sending.comparisons(), 7),
    (fan_out.comparisons(), 5),
    (import_time.comparisons(), 21),
    (sync_call.comparisons(), 7),
    (sim_step.comparisons(), 7),
    (kernel.comparisons(), 3),
    (cockpit.comparisons(), 3),
    (stop_latency.comparisons(), 3),
    (serial.comparisons(), 3),
    (chart_update.comparisons(), 3),
    (click_to_robot.comparisons(), 3),
    (time_to_motion.comparisons(), 3),
    (lab_truth.comparisons(), 3),
    (dataset_scan.comparisons(), 3),
    (recorder.comparisons(), 5),
)

_MEASURED, _FAILED, _REFUSED, _INTERRUPTED = 0, 1, 2, 130


def all_figures() -> dict[str, Comparison]:
    """Every figure by its name, in the order in which they are measured."""
    return {row.name: row for rows, _ in SUITES for row in rows}


async def measure(
    names: Sequence[str],
    rounds: int | None,
    known: Callable[[list[Figure | Failure]], None],
    progress: Callable[[str], None] = lambda text: None,
) -> None:
    """Measure the figures that are named, and hand over those of each suite when it has ended.

    Args:
        names: of the figures; they are measured in the order of :data:`SUITES`.
        rounds: samples of each side; None for each suite's own number.
        known: is called with figures as soon as they are known.
        progress: is called with what is measured now, in words.
    """
    for comparisons, usual_rounds in SUITES:
        chosen = [comparison for comparison in comparisons if comparison.name in names]
        if not chosen:
            continue
        # One contender may stand in several rows, and is measured once for all of them.
        contenders = {
            side.name: side for row in chosen for side in (row.ours, row.theirs) if side is not None
        }
        samples = await take_turns(list(contenders.values()), rounds or usual_rounds, progress)
        known([compare(comparison, samples) for comparison in chosen])


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, or with ``--against`` compare what was measured.

    Returns:
        0, or 1 if a figure failed, with ``--check`` also if a goal was missed, with ``--against``
        if a figure is worse; 2 if nothing was measured because the browser is missing; 130 if it
        was interrupted.
    """
    parser, options = _parse(arguments)
    names = _named(parser, options.names)
    console = Console()
    if not console.is_terminal:
        console = Console(width=120)  # a log is not a narrow terminal
    if options.against:
        return _compare(parser, names, options.against, options.results, console)

    with_browser = [name for name in names if all_figures()[name].browser]
    if options.without_browser:
        names = [name for name in names if name not in with_browser]
        if not names:
            parser.error(f"{', '.join(with_browser)} cannot be measured without a browser")
    elif with_browser and (problem := browser.browser_problem()):
        print(
            f"Nothing was measured: {', '.join(with_browser)} need a browser, and {problem}. "
            f"Install one, as root:\n\n    {browser.INSTALL}\n\n"
            "Or name one: CHROMIUM=/path/to/chrome make bench. To measure the other figures: "
            "python -m benchmarks --without-browser",
            file=sys.stderr,
        )
        return _REFUSED
    return _measure(names, options, console)


def _parse(
    arguments: Sequence[str] | None,
) -> tuple[argparse.ArgumentParser, argparse.Namespace]:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help="figures to measure, by name or by what several names begin with (all): "
        f"{', '.join(all_figures())}",
    )
    parser.add_argument(
        "--rounds", type=int, help="samples of each side, instead of each figure's own number"
    )
    parser.add_argument(
        "--check", action="store_true", help="end with status 1 when a goal is missed"
    )
    parser.add_argument(
        "--without-browser",
        action="store_true",
        help="leave out the figures that need a browser",
    )
    parser.add_argument(
        "--results",
        type=Path,
        default=results.RESULTS,
        metavar="FILE",
        help="where the figures are written, and read for --against (benchmarks/results.json)",
    )
    parser.add_argument(
        "--against",
        type=Path,
        action="append",
        metavar="OLD",
        help="measure nothing: compare the results file with this older one, and end with status "
        "1 when a figure is worse beyond its spread; may be given several times, and what a later "
        "file holds replaces what an earlier one does",
    )
    options = parser.parse_args(arguments)
    if options.rounds is not None and options.rounds < 1:
        parser.error(f"--rounds {options.rounds} measures nothing: at least 1")
    return parser, options


def _named(parser: argparse.ArgumentParser, given: Sequence[str]) -> list[str]:
    """The names of the figures that are meant; all of them where none is given."""
    names: list[str] = []
    for name in given:
        found = [known for known in all_figures() if known == name or known.startswith(f"{name}_")]
        if not found:
            parser.error(f"there is no figure {name!r}; there are {', '.join(all_figures())}")
        names.extend(found)
    return names or list(all_figures())


def _measure(names: Sequence[str], options: argparse.Namespace, console: Console) -> int:
    run = results.environment()
    if options.rounds is not None:
        run["rounds"] = options.rounds
    file = results.Results(options.results, list(all_figures()), run)
    figures: list[Figure | Failure] = []

    def known(found: list[Figure | Failure]) -> None:
        file.add(found)
        figures.extend(found)

    interrupted = False
    with console.status("measuring") as status:
        try:
            asyncio.run(measure(names, options.rounds, known, status.update))
        except KeyboardInterrupt:
            interrupted = True
    report.print_table(figures, console)
    failed = [figure.name for figure in figures if isinstance(figure, Failure)]
    missed = [
        figure.name for figure in figures if isinstance(figure, Figure) and figure.met is False
    ]
    words = f"written: {options.results.name}{'' if file.whole else ' (part of the figures)'}"
    if interrupted:
        words = f"interrupted; {words}, {len(figures)} of {len(names)}"
    if failed:
        words += f"; failed: {', '.join(failed)}"
    console.print(words, highlight=False)
    if interrupted:
        return _INTERRUPTED
    return _FAILED if failed or (options.check and missed) else _MEASURED


def _compare(
    parser: argparse.ArgumentParser,
    names: Sequence[str],
    against: Sequence[Path],
    new: Path,
    console: Console,
) -> int:
    try:
        old_rows = {name: row for path in against for name, row in _rows(path).items()}
        new_rows = _rows(new)
    except (OSError, ValueError, LookupError, TypeError) as error:
        parser.error(f"the results cannot be read: {error}")
    found = changes(old_rows, new_rows, {name: all_figures()[name].better for name in names})
    print_changes(found, console)
    return _FAILED if any(change.worse for change in found) else _MEASURED


def _rows(path: Path) -> dict[str, Row]:
    """The figures of a results file, by name."""
    return {row["name"]: row for row in json.loads(path.read_text(encoding="utf-8"))["figures"]}


if __name__ == "__main__":
    sys.exit(main())
