"""The latency lab."""

from __future__ import annotations

from ..transport.network import Network
from .networks import NETWORKS, Conditions, network

__all__ = ["NETWORKS", "Conditions", "Network", "network"]
