"""``python -m mbot_nb.robots.serial.emulators cyberpi``: one emulator as a process."""

from __future__ import annotations

import sys

from .run import main

if __name__ == "__main__":
    sys.exit(main())
