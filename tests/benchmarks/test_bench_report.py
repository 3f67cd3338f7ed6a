"""The results file, the table, and the command line that makes them."""

from __future__ import annotations

import io
import json
import re
import socket
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from benchmarks import __main__ as command
from benchmarks import browser, report, results
from benchmarks.figures import Comparison, Failure, Figure, Goal
from benchmarks.harness import Contender

FIGURE = Figure(
    name="send_batched_10",
    ours=123456.789,
    theirs=41234.5,
    ratio=2.994,
    unit="messages/s",
    goal="≥ 2.5 x, ≥ 100,000",
    met=True,
    how="both [in one] loop",
    ours_spread=(110000.0, 130000.0),
    theirs_spread=(40000.0, 42000.0),
    ratio_spread=(2.61, 3.14),
    rounds=7,
    against="websockets and json",
    better="more",
)


def results_of(path: Path, names: list[str]) -> results.Results:
    return results.Results(path, names, results.environment())


def test_the_results_file_holds_figures_and_where_they_are_from(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    results_of(path, [FIGURE.name]).add([FIGURE])
    document = json.loads(path.read_text(encoding="utf-8"))
    assert document["whole"] is True
    (row,) = document["figures"]
    assert (row["name"], row["ours"], row["theirs"], row["ratio"]) == (
        "send_batched_10",
        123500.0,
        41230.0,
        2.994,
    )
    assert (row["unit"], row["goal"], row["met"]) == ("messages/s", "≥ 2.5 x, ≥ 100,000", True)
    assert row["ratio_spread"] == [2.61, 3.14]
    (run,) = document["runs"]
    assert {"date", "python", "cpu", "cores", "versions"} <= run.keys()
    assert run["versions"]["websockets"]
    assert row["run"] == run["date"] <= row["measured"]
    assert re.fullmatch("[0-9a-f]{12}(-dirty)?", row["commit"])


def test_a_mixture_of_runs_says_of_which_each_figure_is(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    first, second = ({**results.environment(), "date": f"2026-01-0{day}"} for day in (1, 2))
    figures = [replace(FIGURE, name=name) for name in ("a", "b", "gone")]
    results.Results(path, ["a", "b", "gone"], first).add(figures)
    file = results.Results(path, ["a", "b"], second)
    file.add([Failure("b", "RuntimeError: nothing came")])
    document = json.loads(path.read_text(encoding="utf-8"))
    assert [(row["name"], row["run"]) for row in document["figures"]] == [
        ("a", "2026-01-01"),
        ("b", "2026-01-02"),
    ]
    assert document["figures"][1]["failed"] == "RuntimeError: nothing came"
    assert [run["date"] for run in document["runs"]] == ["2026-01-01", "2026-01-02"]
    assert document["whole"] is False
    file.add(figures[:2])
    document = json.loads(path.read_text(encoding="utf-8"))
    assert [run["date"] for run in document["runs"]] == ["2026-01-02"]
    assert document["whole"] is True


def test_a_write_that_fails_leaves_the_file_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "results.json"
    file = results_of(path, [FIGURE.name])
    file.add([FIGURE])
    before = path.read_text(encoding="utf-8")

    def full(fd: int) -> None:
        raise OSError("no space left")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="no space"):
        file.add([replace(FIGURE, ours=1.0)])
    assert path.read_text(encoding="utf-8") == before
    assert list(tmp_path.iterdir()) == [path]


def test_the_surroundings_name_neither_machine_nor_person() -> None:
    text = json.dumps(results.environment())
    assert not re.search(rf"\b{re.escape(socket.gethostname())}\b", text)
    assert str(Path.home()) not in text
    assert str(Path(__file__).parents[2]) not in text


def test_what_was_measured_alone_leaves_the_other_side_empty(tmp_path: Path) -> None:
    alone = replace(
        FIGURE, theirs=None, ratio=None, theirs_spread=None, ratio_spread=None, against=None
    )
    console = Console(file=io.StringIO(), width=120)
    report.print_table([alone], console)
    assert isinstance(console.file, io.StringIO)
    (line,) = [line for line in console.file.getvalue().splitlines() if "send_batched_10 " in line]
    assert [part.strip() for part in line.split("│")[2:6]] == ["123,457", "", "messages/s", ""]
    results_of(tmp_path / "results.json", [FIGURE.name]).add([alone])
    (row,) = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))["figures"]
    assert (row["ours"], row["theirs"], row["ratio"], row["ratio_spread"]) == (
        123500.0,
        None,
        None,
        None,
    )


def test_the_table_shows_each_figure_and_how_it_was_measured() -> None:
    console = Console(file=io.StringIO(), width=120)
    report.print_table([FIGURE], console)
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    (line,) = [line for line in text.splitlines() if "send_batched_10 " in line]
    for part in ("123,457", "41,234", "2.99 (2.61 to 3.14)", "≥ 2.5 x, ≥ 100,000", "yes"):
        assert part in line
    assert "send_batched_10: both [in one] loop" in text


@pytest.fixture
def two_figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two figures that need no measuring, and a place of their own for the results."""

    async def one() -> float:
        return 1.0

    async def two() -> float:
        return 2.0

    half, double = Contender("one", one), Contender("two", two)
    rows = [
        Comparison("slow", half, double, "1/s", "counted", Goal(ratio_at_least=1)),
        Comparison("fast", double, half, "1/s", "counted", Goal(ratio_at_least=1)),
    ]
    monkeypatch.setattr(command, "SUITES", ((rows, 2),))
    monkeypatch.setattr(results, "RESULTS", tmp_path / "results.json")
    return tmp_path / "results.json"


def test_the_whole_run_says_so_and_a_missed_goal_fails_only_when_asked(two_figures: Path) -> None:
    assert command.main([]) == 0
    document = json.loads(two_figures.read_text(encoding="utf-8"))
    assert document["whole"] is True
    assert [(row["name"], row["met"], row["rounds"]) for row in document["figures"]] == [
        ("slow", False, 2),
        ("fast", True, 2),
    ]
    assert command.main(["--check"]) == 1
    assert command.main(["--check", "fast"]) == 0


def test_a_part_or_a_shorter_run_is_not_whole(two_figures: Path) -> None:
    for arguments, names in ((["fast"], ["fast"]), (["--rounds", "1"], ["slow", "fast"])):
        assert command.main(arguments) == 0
        document = json.loads(two_figures.read_text(encoding="utf-8"))
        assert document["whole"] is False
        assert [row["name"] for row in document["figures"]] == names
        two_figures.unlink()


def test_a_name_stands_for_all_that_begin_with_it(
    two_figures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [
        replace(row, name=name)
        for row, name in zip(command.SUITES[0][0], ("way_slow", "ways"), strict=True)
    ]
    monkeypatch.setattr(command, "SUITES", ((rows, 1),))
    assert command.main(["way"]) == 0
    document = json.loads(two_figures.read_text(encoding="utf-8"))
    assert [row["name"] for row in document["figures"]] == ["way_slow"]


def test_a_figure_that_fails_is_recorded_and_the_others_are_measured(
    two_figures: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def break_down() -> float:
        raise RuntimeError("nothing came")

    slow, fast = command.SUITES[0][0]
    broken = replace(slow, name="broken", ours=Contender("broken", break_down))
    monkeypatch.setattr(command, "SUITES", (([broken], 1), ([slow, fast], 1)))
    assert command.main([]) == 1
    document = json.loads(two_figures.read_text(encoding="utf-8"))
    assert document["whole"] is False
    assert [(row["name"], row.get("failed")) for row in document["figures"]] == [
        ("broken", "RuntimeError: nothing came"),
        ("slow", None),
        ("fast", None),
    ]
    assert "failed: broken" in capsys.readouterr().out


def test_an_interrupt_keeps_what_was_measured(
    two_figures: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def interrupt() -> float:
        raise KeyboardInterrupt

    slow, fast = command.SUITES[0][0]
    ended = replace(slow, name="ended", ours=Contender("ended", interrupt))
    monkeypatch.setattr(command, "SUITES", (([fast], 1), ([ended], 1)))
    assert command.main([]) == 130
    document = json.loads(two_figures.read_text(encoding="utf-8"))
    assert [row["name"] for row in document["figures"]] == ["fast"]
    assert "interrupted" in capsys.readouterr().out


def test_the_browser_is_asked_for_before_anything_is_measured(
    two_figures: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    slow, fast = command.SUITES[0][0]
    page = replace(slow, name="page", browser=True)
    monkeypatch.setattr(command, "SUITES", (([fast, page], 1),))
    monkeypatch.setattr(browser, "browser_problem", lambda: "there is none")
    assert command.main([]) == 2
    assert not two_figures.exists()
    said = capsys.readouterr().err
    assert "page need a browser, and there is none" in said
    assert "\n    apt-get install -y chromium\n" in said
    with pytest.raises(SystemExit):
        command.main(["page", "--without-browser"])
    assert command.main(["fast"]) == 0
    assert command.main(["--without-browser"]) == 0
    document = json.loads(two_figures.read_text(encoding="utf-8"))
    assert [row["name"] for row in document["figures"]] == ["fast"]


def test_a_browser_is_one_that_starts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    note = tmp_path / "chromium-browser"
    note.write_text("#!/bin/sh\nexit 10\n")
    note.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("CHROMIUM", "")
    problem = browser.browser_problem()
    assert problem is not None
    assert "--version` failed" in problem
    note.unlink()
    assert browser.browser_problem() == "there is no chromium on the PATH, and CHROMIUM names none"


def test_an_unknown_name_is_refused_before_anything_is_measured(
    two_figures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        command.main(["fats"])
    assert "no figure 'fats'; there are slow, fast" in capsys.readouterr().err
    assert not two_figures.exists()


def test_the_figures_of_the_plan_are_all_there() -> None:
    planned = {
        "ping_rtt_p50",
        "send_unbatched",
        "send_batched_10",
        "send_batched_100",
        "send_socketio",
    }
    planned |= {"lab_truth_relay", "lab_truth_line", "lab_truth_jitter"}
    planned |= {f"lab_truth_batch_{rate}" for rate in (5, 15, 45, 150, 500)}
    planned |= {
        "loop_share",
        "loop_share_rest",
        "loop_share_messages",
        "loop_share_frames",
        "sync_call",
        "sim_step",
        "sim_step_30",
    }
    planned |= {f"kernel_rtt_{place}_p50" for place in ("idle", "awaiting", "widgets")}
    planned |= {"dataset_scan", "dataset_scan_memory", "dataset_scan_each"}
    planned |= {f"recorder_{what}" for what in ("append", "memory", "frame", "overhead")}
    planned |= {"serial_rtt", "serial_stop_p50", "serial_stop_watchdog_p50", "telemetry_rate"}
    planned |= {
        f"serial_{figure}_{dialect}"
        for figure in ("codec", "misparses")
        for dialect in ("f3", "ff55")
    }
    planned |= {
        "cockpit_idle",
        "cockpit_idle_messages",
        "cockpit_busy",
        "cockpit_busy_messages",
        "time_to_motion",
    }
    planned |= {"chart_update", "click_to_robot_p50", "click_to_robot_stop"}
    goals = {row.name for rows, _ in command.SUITES for row in rows if row.goal is not None}
    assert goals == planned | {"fan_out", "import_time"}
    assert len(command.all_figures()) == sum(len(rows) for rows, _ in command.SUITES)
