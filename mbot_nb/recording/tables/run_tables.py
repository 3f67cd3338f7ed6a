"""What everything that shows or counts a run needs of it: its tables."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["RunTables"]


class RunTables(Protocol):
    """The tables of a run, live or finished: a `Recorder` or a `Recording`.

    Plots, summaries and reports ask for this and not for the class that holds the tables, so that
    the class can offer them as methods.
    """

    @abstractmethod
    def table(self, name: str) -> pd.DataFrame:
        """The table of this name, as ``"events"``."""

    @abstractmethod
    def total(self, table: str) -> int:
        """How many rows a table (by its name, as ``"events"``) has had, with those that were
        dropped or cleared."""

    @abstractmethod
    def state(self) -> dict[str, Any]:
        """The robot's last state, in its sections."""

    @property
    @abstractmethod
    def seconds(self) -> float:
        """How long it was recorded, without pauses."""

    @property
    @abstractmethod
    def metadata(self) -> dict[str, Any]:
        """What has to be known to understand the tables, as plain data: versions, settings, seeds,
        clocks, the notebook cell."""

    @property
    def events(self) -> pd.DataFrame:
        """Every event, in order: `time_s`, `wall`, `name`, `sequence`, `data` (JSON text)."""
        return self.table("events")

    @property
    def latency(self) -> pd.DataFrame:
        """One row for each round trip: `sent_s`, `received_s`, `wall`, `id`, `rtt_ms`,
        `loop_lag_ms`, `profile`, `impairment`.

        Where `loop_lag_ms` is not 0 this notebook's own loop was blocked (by a cell, say) while the
        answer was on its way: that time belongs to the notebook, not to the network.
        """
        return self.table("latency")

    @property
    def batches(self) -> pd.DataFrame:
        """One row for each frame of commands that went `out`, and each batch that came `in`:
        `time_s`, `wall`, `direction`, `reason`, `messages`, `bytes`, `wait_mean_ms`, `wait_max_ms`,
        `waits_ms` (JSON text: each command's), `client`.
        """
        return self.table("batches")

    @property
    def commands(self) -> pd.DataFrame:
        """One row for each command sent, and for each that could not be: `name`, `sequence`,
        `queued_s`, `wall` (of `queued_s`), `sent_s`, `acknowledged_s`, `answered_s`, `outcome`,
        `error`, `client`. A row is completed as its command goes on.
        """
        return self.table("commands")

    @property
    def states(self) -> pd.DataFrame:
        """The robot's state in long form, one row for each field that got a value: `time_s`,
        `wall`, `field`, `value` (JSON text), `revision`. It begins with all fields as they were;
        the last value of each is the state at any later moment.
        """
        return self.table("states")

    @property
    def connection(self) -> pd.DataFrame:
        """Every change of the connection, and every attempt: `time_s`, `wall`, `state`, `previous`,
        `attempt`, `next_attempt_in_s`, `reason`, `resumed`, `client`.
        """
        return self.table("connection")

    @property
    def frames(self) -> pd.DataFrame:
        """The wire, message by message: `time_s`, `wall`, `direction`, `type`, `sequence`, `bytes`,
        `frame`, `batch`, `position`, `text` (if it was asked for), `client`.
        """
        return self.table("frames")

    @property
    def stalls(self) -> pd.DataFrame:
        """When a loop of this process that the messages pass was blocked for 50 ms or more:
        `begin_s`, `wall`, `end_s`, `blocked_ms`, `loop`.
        """
        return self.table("stalls")
