"""The command `mbot-nb`: serve, emulate and find robots, and check this machine."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import typer

from .address import DEFAULT_HOST, is_loopback
from .errors import AddressInUseError, MbotError, UsageError
from .version import __version__

if TYPE_CHECKING:
    from .robot import Robot

__all__ = ["main"]

app = typer.Typer(
    help="mBot2 robots from Jupyter and the command line.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
INTERRUPTED = 130
DEBUG = "MBOT_NB_DEBUG"


def main() -> None:
    """Run the command. Errors are printed to stderr as one sentence; a fault of mbot_nb shows
    its traceback with MBOT_NB_DEBUG=1."""
    try:
        app()
    except MbotError as error:
        _fail(str(error))
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except Exception as error:
        if os.environ.get(DEBUG):
            traceback.print_exc()
        _fail(
            f"{type(error).__name__}: {error}. This is a fault of mbot_nb; with {DEBUG}=1 it "
            "shows where it happened."
        )


def _fail(words: str) -> NoReturn:
    print(f"mbot-nb: {words}", file=sys.stderr)
    sys.exit(1)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"mbot_nb {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(
        False,
        "--version",
        callback=_version,
        is_eager=True,
        help="Say which version this is, and exit.",
    ),
) -> None:
    """mBot2 robots from Jupyter and the command line."""


@app.command()
def serve(
    host: str = typer.Option(
        DEFAULT_HOST, help="Address to listen on; anything but this machine's own needs a token."
    ),
    port: int | None = typer.Option(
        None,
        min=0,
        max=65535,
        help="Port to listen on: 4000, and 4443 with a certificate; 0 takes any free one.",
    ),
    token: str | None = typer.Option(None, envvar="MBOT_NB_TOKEN", help="What clients must show."),
    seed: int | None = typer.Option(None, help="Of all that the simulated robot leaves to chance."),
    replay: Path | None = typer.Option(
        None, help="Serve this recording as if it were live, and no simulated robot."
    ),
    speed: float = typer.Option(1.0, help="Of the replay: seconds of the recording in one second."),
    loop: bool = typer.Option(False, "--loop", help="Begin the replay again at its end."),
    allow_origin: list[str] | None = typer.Option(
        None, help="A web page, as https://example.org, that may connect."
    ),
    certificate: Path | None = typer.Option(None, help="TLS certificate chain (PEM), for wss."),
    key: Path | None = typer.Option(
        None, help="The certificate's private key (PEM), if it is in a file of its own."
    ),
) -> None:
    """Serve a simulated mBot2, or a recording, until Ctrl-C. The first line of the output is the
    address, and nothing else."""
    context = _tls(certificate, key)
    made = not token and not is_loopback(host)
    if made:
        token = secrets.token_urlsafe(12)
    robot = _robot(seed, replay, speed, loop)
    asyncio.run(_serve(robot, host, port, token, made, tuple(allow_origin or ()), context))


def _robot(seed: int | None, replay: Path | None, speed: float, loop: bool) -> Robot:
    """What is to be served."""
    if replay is None:
        if loop or speed != 1:
            raise UsageError(
                "--speed and --loop are for a recording, which --replay names; a simulated robot "
                "lives now"
            )
        from .robots.simulator import SimulatedRobot

        return SimulatedRobot(seed=seed)
    if seed is not None:
        raise UsageError("--seed is for a simulated robot: a recording is what it is")
    from .recording.replay.robot import ReplayRobot

    return ReplayRobot(replay, speed=speed, loop=loop)


async def _serve(
    robot: Robot,
    host: str,
    port: int | None,
    token: str | None,
    made: bool,
    origins: tuple[str, ...],
    context: Any,
) -> None:
    from .embedded.api import serve as start

    loop = asyncio.get_running_loop()
    over = asyncio.Event()
    if os.name == "posix":
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, over.set)
    try:
        server = await start(
            robot, host=host, port=port, token=token or None, allow_origins=origins, ssl=context
        )
    except AddressInUseError as error:
        raise UsageError(
            f"{str(error).partition('. ')[0]}. With --port 0 it takes any free one."
        ) from None
    try:
        print(server.url, flush=True)
        shown = f', token="{token}"' if made else ', token="..."' if token else ""
        _note(
            f"{server.robot.robot_id} is served. In a notebook: bot = await "
            f'mb.connect("{server.network_url}"{shown})'
        )
        _note("Ctrl-C ends it.")
        await over.wait()
    finally:
        await server.close()
    _note("The server was closed.")


def _tls(certificate: Path | None, key: Path | None) -> Any:
    if certificate is None:
        if key is not None:
            raise UsageError("--key needs --certificate: a key alone proves nothing")
        return None
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(certificate, key)
    except OSError as error:  # also ssl.SSLError
        raise UsageError(
            f"the certificate {certificate} cannot be used: {error}. It takes a PEM file, and the "
            "key in it or with --key."
        ) from None
    return context


@app.command()
def demo(
    html: Path = typer.Option(Path("build/demo.html"), help="Where to write the page."),
    pace: float | None = typer.Option(
        None,
        min=0.05,
        max=10,
        help="How long a second of the notebook lasts; 0.2 is five times as fast.",
    ),
) -> None:
    """Execute the first notebook in a real kernel, say what happened, and write it as a page."""
    from rich.console import Console
    from rich.text import Text

    from .lessons.pace import PACE
    from .lessons.page import write_page
    from .lessons.runner import Interrupted, execute, find_notebook

    path = find_notebook()
    environment = {} if pace is None else {PACE: str(pace)}
    console = Console(stderr=True)
    with console.status(f"Starting a kernel for {path.name} ...") as status:
        try:
            run = execute(
                path,
                environment=environment,
                progress=lambda number, of: status.update(
                    f"Executing {path.name}: cell {number} of {of} ..."
                ),
            )
        except Interrupted:
            _note("Interrupted; the kernel was shut down.")
            raise typer.Exit(INTERRUPTED) from None
    write_page(run.notebook, html, f"{path.name}, executed in a real kernel with")
    if run.failure is not None:
        number, line, error = run.failure
        _fail(
            f"{path.name} failed in its code cell {number} of {run.cells}, the one that begins "
            f"with\n    {line}\n"
            f"It said: {error}\n"
            f"The page up to there is {html}. To look into it, open the notebook: jupyter lab "
            f"{path}"
        )
    if run.summary is None:
        _fail(
            f"{path.name} ran, but showed no summary: its cell `rec.summary()` is missing. The "
            f"page is {html}."
        )
    console = Console(highlight=False, soft_wrap=True)
    for name, text in [*run.summary.lines(), ("page", str(html))]:
        console.print(Text(f"{name:<18}", style="bold") + Text(text))


@app.command()
def emulate(
    kind: str = typer.Argument("cyberpi", help="cyberpi (an mBot2) or mbot."),
    link: Path | None = typer.Option(None, help="A path that leads to its pseudo-terminal."),
    tcp: int | None = typer.Option(
        None, min=0, max=65535, help="Serve socket:// on this port instead; 0 takes any."
    ),
    world: Path | None = typer.Option(None, help="A file with its world, as JSON."),
    seed: int | None = typer.Option(None, help="Of all that it leaves to chance."),
    scale: float = typer.Option(
        1.0, min=0.1, max=2, help="How fast its wheels turn, of what they should."
    ),
    wheel: float = typer.Option(6.5, min=1, max=20, help="Diameter of its wheels, cm."),
    track: float = typer.Option(11.5, min=3, max=40, help="Distance between its wheels, cm."),
    boot: float | None = typer.Option(
        None, min=0, help="Seconds it needs to start (mBot2 6, mBot 1.3)."
    ),
    latency: float = typer.Option(
        0.051, min=0, help="Seconds that a script's answer takes (mBot2)."
    ),
    unpaced: bool = typer.Option(False, "--unpaced", help="Bytes take no time."),
    corrupt: float = typer.Option(
        0.0, min=0, max=1, help="Share of frames in which a byte is another one."
    ),
    truncate: float = typer.Option(0.0, min=0, max=1, help="Share of frames without their end."),
    garbage: float = typer.Option(
        0.0, min=0, max=1, help="Share of frames with nonsense before them."
    ),
    silence: float = typer.Option(0.0, min=0, max=1, help="Share of frames that do not arrive."),
    reset_after: float | None = typer.Option(
        None, min=0, help="Restart once after so many seconds."
    ),
    unplug_after: float | None = typer.Option(
        None, min=0, help="Pull the cable once after so many seconds ..."
    ),
    replug_after: float = typer.Option(3.0, min=0, help="... and plug it in again so many later."),
) -> None:
    """Be a robot on a cable until Ctrl-C, for want of a real one. The first line of the output is
    its port, and nothing else."""
    from .robots.emulators import run
    from .robots.emulators.faults import Faults
    from .robots.simulator import World

    if kind not in ("cyberpi", "mbot"):
        raise UsageError(f"there are emulators of cyberpi (an mBot2) and mbot, not of {kind!r}")
    try:
        place = None if world is None else World.from_json(world.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"the world {world} cannot be used: {error}") from None
    emulator = run.emulate(
        kind,  # type: ignore[arg-type]
        link=link if link is not None or tcp is not None else run.default_link(kind),  # type: ignore[arg-type]
        tcp=tcp,
        paced=not unpaced,
        boot=boot,
        latency=latency,
        world=place,
        seed=seed,
        scale=scale,
        wheel=wheel,
        track=track,
        faults=Faults(
            corrupt=corrupt, truncate=truncate, garbage=garbage, silence=silence, seed=seed
        ),
    )

    def on_start() -> None:
        print(emulator.address, flush=True)
        _note(f'An emulated {kind} is there. In a notebook: bot = await mb.connect("usb")')
        _note("Ctrl-C switches it off.")

    run.run_until_interrupted(
        emulator,
        on_start,
        reset_after=reset_after,
        unplug_after=unplug_after,
        replug_after=replug_after,
    )
    _note("It was switched off.")


@app.command()
def discover(
    timeout: float = typer.Option(
        8.0, min=0.1, max=60, help="Seconds that a robot is given to answer."
    ),
    every_port: bool = typer.Option(
        False, "--every-port", help="Also ask at ports whose chip no such robot has."
    ),
) -> None:
    """List the robots that can be connected to from here, and why others cannot."""
    from rich.console import Console

    from .embedded.discovery import discover as find_robots

    with Console(stderr=True).status("Asking at every port ..."):
        found = find_robots(timeout=timeout, every_port=every_port)
    print(found)
    if not found.usable:
        sys.exit(1)


@app.command()
def doctor() -> None:
    """Check what mbot_nb needs, and say how to fix what is missing."""
    from rich.console import Console

    from .diagnostics import doctor as run_checks

    with Console(stderr=True).status("Looking ..."):
        report = run_checks()
    print(report)
    if report.level == "bad":
        sys.exit(1)


def _note(words: str) -> None:
    """For people; the output belongs to programs."""
    print(words, file=sys.stderr, flush=True)
