"""What a person touches: pictures and buttons in the notebook, drawn by plain modules of JavaScript beside the Python ones."""

from .card import Card
from .command import CommandPanel
from .connect import ConnectPanel
from .stats import StatsPanel
from .subscribe import SubscribePanel

__all__ = ["Card", "CommandPanel", "ConnectPanel", "StatsPanel", "SubscribePanel"]
