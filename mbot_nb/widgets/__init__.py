"""What a person touches: pictures and buttons in the notebook, drawn by plain modules of JavaScript
beside the Python ones."""

from .arena import Arena
from .card import Card
from .chart import LiveChart
from .cockpit import Cockpit
from .command import CommandPanel
from .connect import ConnectPanel
from .pad import DrivePad
from .stats import StatsPanel
from .stop import StopButton
from .subscribe import SubscribePanel

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
