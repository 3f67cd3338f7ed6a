"""Starting an emulator: in this process, or as one of its own (``python -m mbot_nb.robots.serial.emulators cyberpi``)."""

from __future__ import annotations

import argparse
import signal
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from ....errors import UsageError
from ...simulator import World
from .cyberpi import CyberPiEmulation
from .doors import Pty, Tcp
from .emulation import Emulation
from .host import Emulator
from .mcore import MCoreEmulation
from .mischief import Mischief
from .vehicle import Vehicle

__all__ = ["Kind", "emulate", "main"]

Kind = Literal["cyberpi", "mbot"]


def emulate(
    kind: Kind = "cyberpi",
    *,
    link: str | Path | None = None,
    tcp: int | None = None,
    paced: bool = True,
    boot: float | None = None,
    latency: float = 0.051,
    world: World | Mapping[str, Any] | None = None,
    seed: int | None = None,
    scale: float = 1.0,
    mischief: Mischief | None = None,
    registered: bool = True,
    resets_on_open: bool = True,
) -> Emulator:
    """Start an emulated robot in this process. Use it with ``with``; its ``address`` is what to connect to.

    Args:
        kind: ``"cyberpi"`` for an mBot2, ``"mbot"`` for an mBot.
        link: a path that leads to its pseudo-terminal, whatever that is called.
        tcp: serve on this TCP port of this machine instead (0: any), for ``socket://``.
        paced: let bytes take as long as at 115200 baud.
        boot: seconds it needs to start (6 of an mBot2, 1.3 of an mBot).
        latency: of a script's answer, s (mBot2); through the shield it is twice that.
        world, seed: of the simulated mBot2 behind it.
        scale: how far it drives, of what it should: 0.95 is a robot with small wheels.
        mischief: what goes wrong on the cable.
        registered: let discovery find it.
        resets_on_open: start anew whenever somebody opens the port.

    Raises:
        UsageError: for a kind there is none of, or a path that is taken.
    """
    if kind not in ("cyberpi", "mbot"):
        raise UsageError(f'there are emulators of "cyberpi" (mBot2) and "mbot", not of {kind!r}')
    vehicle = Vehicle(world, seed=seed, scale=scale)
    emulation: Emulation
    if kind == "cyberpi":
        emulation = CyberPiEmulation(vehicle, boot=6.0 if boot is None else boot, latency=latency)
    else:
        emulation = MCoreEmulation(vehicle, boot=1.3 if boot is None else boot)
    door = Pty(link) if tcp is None else Tcp(tcp)
    return Emulator(emulation, door, paced=paced, mischief=mischief, registered=registered, resets_on_open=resets_on_open)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one emulator until it is interrupted. What goes wrong is chosen with ``--mischief corrupt=0.01 ...``."""
    parser = argparse.ArgumentParser(prog="mbot-nb emulate", description=emulate.__doc__ and emulate.__doc__.partition("\n")[0])
    parser.add_argument("kind", choices=("cyberpi", "mbot"))
    parser.add_argument("--link", help="a path that leads to the pseudo-terminal")
    parser.add_argument("--tcp", type=int, metavar="PORT", help="serve socket:// on this port instead (0: any)")
    parser.add_argument("--unpaced", action="store_true", help="do not let bytes take their time")
    parser.add_argument("--boot", type=float, help="seconds it needs to start")
    parser.add_argument("--latency", type=float, default=0.051, help="seconds that a script's answer takes")
    parser.add_argument("--scale", type=float, default=1.0, help="how far it drives, of what it should")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--world", type=Path, help="a file with a world as JSON")
    parser.add_argument("--mischief", nargs="*", default=(), metavar="WHAT=SHARE", help="corrupt, truncate, garbage, silence")
    parser.add_argument("--reset-after", type=float, metavar="S", help="restart once after so many seconds")
    parser.add_argument("--unplug-after", type=float, metavar="S", help="pull the cable once after so many seconds")
    parser.add_argument("--replug-after", type=float, metavar="S", default=3.0, help="and plug it in again so many later")
    options = parser.parse_args(arguments)
    try:
        shares = dict(word.split("=", 1) for word in options.mischief)
        wrong = Mischief(seed=options.seed, **{what: float(share) for what, share in shares.items()})
        world = None if options.world is None else World.from_json(options.world.read_text(encoding="utf-8"))
        emulator = emulate(
            options.kind,
            link=options.link,
            tcp=options.tcp,
            paced=not options.unpaced,
            boot=options.boot,
            latency=options.latency,
            world=world,
            seed=options.seed,
            scale=options.scale,
            mischief=wrong,
        )
    except (UsageError, TypeError, ValueError, OSError) as error:
        parser.error(str(error))
    over = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: over.set())
    timers = []
    if options.reset_after is not None:
        timers.append(threading.Timer(options.reset_after, emulator.reset))
    if options.unplug_after is not None:
        timers.append(threading.Timer(options.unplug_after, emulator.unplug, (options.replug_after,)))
    with emulator:
        print(f"{options.kind} at {emulator.address} (Ctrl+C switches it off)", flush=True)
        for timer in timers:
            timer.start()
        over.wait()
        for timer in timers:
            timer.cancel()
    return 0
