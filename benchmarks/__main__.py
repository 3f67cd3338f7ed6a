"""``python -m benchmarks [NAME ...]``: measure all figures, or those named, print the table and
write the results file."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Callable, Sequence

from rich.console import Console

from . import (
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
    sending,
    serial,
    sim_step,
    stop_latency,
    sync_call,
    time_to_motion,
)
from .figures import Comparison, Figure, compare
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
    (click_to_robot.comparisons(), 1),
    (time_to_motion.comparisons(), 1),
    (lab_truth.comparisons(), 3),
    (dataset_scan.comparisons(), 3),
    (recorder.comparisons(), 5),
)
NAMES = [comparison.name for comparisons, _ in SUITES for comparison in comparisons]


async def measure(
    names: Sequence[str], rounds: int | None, progress: Callable[[str], None] = lambda text: None
) -> list[Figure]:
    """The figures that are named, in the order of :data:`NAMES`."""
    figures: list[Figure] = []
    for comparisons, usual_rounds in SUITES:
        chosen = [comparison for comparison in comparisons if comparison.name in names]
        if not chosen:
            continue
        # One contender may stand in several rows, and is measured once for all of them.
        contenders = {
            side.name: side for row in chosen for side in (row.ours, row.theirs) if side is not None
        }
        samples = await take_turns(list(contenders.values()), rounds or usual_rounds, progress)
        figures.extend(compare(comparison, samples) for comparison in chosen)
    return figures


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns 0 when all has been measured; with ``--check``, 1 when a goal was missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help="figures to measure, by name or by what several names begin with (all): "
        f"{', '.join(NAMES)}",
    )
    parser.add_argument(
        "--rounds", type=int, help="samples of each side, instead of each figure's own number"
    )
    parser.add_argument(
        "--check", action="store_true", help="end with status 1 when a goal is missed"
    )
    options = parser.parse_args(arguments)
    names = []
    for name in options.names:
        found = [known for known in NAMES if known == name or known.startswith(f"{name}_")]
        if not found:
            parser.error(f"there is no figure {name!r}; there are {', '.join(NAMES)}")
        names.extend(found)
    if options.rounds is not None and options.rounds < 1:
        parser.error(f"--rounds {options.rounds} measures nothing: at least 1")

    console = Console()
    if not console.is_terminal:
        console = Console(width=120)  # a log is not a narrow terminal
    surroundings = report.environment()
    with console.status("measuring") as status:
        figures = asyncio.run(measure(names or NAMES, options.rounds, status.update))
    report.print_table(figures, console)
    whole = len(figures) == len(NAMES) and options.rounds is None
    report.write_results(report.RESULTS, figures, surroundings, whole=whole)
    console.print(
        f"written: {report.RESULTS.name}{'' if whole else ' (part of the figures)'}",
        highlight=False,
    )
    missed = [figure.name for figure in figures if figure.met is False]
    return 1 if options.check and missed else 0


if __name__ == "__main__":
    sys.exit(main())
