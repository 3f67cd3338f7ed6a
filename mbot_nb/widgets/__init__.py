"""What a person touches: pictures and buttons in the notebook, drawn by plain modules of JavaScript
beside the Python ones."""

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
