"""Pictures and buttons in the notebook. Scripts in static/ draw their pages.

Modules:

    arena          the robot from above in its world
    arena_state    where a robot is, and the floor under it, for arena and card
    card           how a robot is, where it is, and Stop
    card_image     a still picture of a card, for saved notebooks
    chart          a live line chart of any numbers
    chart_series   the last values of one line of a chart
    chart_image    a still picture of a chart
    pad            driving by hand: keys, mouse, finger, gamepad
    stop           the emergency stop alone
    base/          what all live widgets are made of
    panels/        the cockpit and the panels in it
    static/        the page's side: JavaScript modules and styles
"""

from .arena import Arena
from .card import Card
from .chart import LiveChart
from .pad import DrivePad
from .panels.cockpit import Cockpit
from .panels.command import CommandPanel
from .panels.connect import ConnectPanel
from .panels.stats import StatsPanel
from .panels.subscribe import SubscribePanel
from .stop import StopButton

__all__ = [
    "Arena",
    "Card",
    "Cockpit",
    "CommandPanel",
    "ConnectPanel",
    "DrivePad",
    "LiveChart",
    "StatsPanel",
    "StopButton",
    "SubscribePanel",
]
