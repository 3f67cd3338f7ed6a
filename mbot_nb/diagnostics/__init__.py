"""`mb.doctor()`: what mbot_nb needs, what of it is amiss on this machine, and the line that fixes
it.

    findings     one finding, and all of them as text and as a table
    software     Python, packages, the notebook's kernel, JupyterLab, the event loop
    cables       serial ports, permissions, drivers
    network      port 4000, this machine's own network, proxies, firewalls

It reads and listens; it changes nothing, and opens no serial port.
"""

from __future__ import annotations

from . import cables, network, software
from .findings import Check, Findings, Level

__all__ = ["Check", "Findings", "Level", "doctor"]


def doctor() -> Findings:
    """Check what mbot_nb needs: versions, the kernel and its loop, serial ports and permissions,
    port 4000, proxy and firewall.

    Each row is good, a warning or bad, and says what to do. In a notebook the report is a table
    with its text to copy; anywhere else `print(mb.doctor())` is that text. It takes up to a second.
    """
    return Findings([*software.checks(), *cables.checks(), *network.checks()])
