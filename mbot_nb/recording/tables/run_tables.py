"""What everything that shows or counts a run needs of it: its tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["RunTables"]


class RunTables(Protocol):
    """The tables of a run, live or finished: a `Recorder` or a `Recording`.

    Plots, summaries and reports ask for this and not for the class that holds the tables, so that
    the class can offer them as methods.
    """

    def table(self, name: str) -> pd.DataFrame: ...

    def total(self, table: str) -> int: ...

    def state(self) -> dict[str, Any]: ...

    @property
    def seconds(self) -> float: ...

    @property
    def metadata(self) -> dict[str, Any]: ...

    @property
    def events(self) -> pd.DataFrame: ...

    @property
    def latency(self) -> pd.DataFrame: ...

    @property
    def batches(self) -> pd.DataFrame: ...

    @property
    def commands(self) -> pd.DataFrame: ...

    @property
    def states(self) -> pd.DataFrame: ...

    @property
    def connection(self) -> pd.DataFrame: ...

    @property
    def frames(self) -> pd.DataFrame: ...

    @property
    def stalls(self) -> pd.DataFrame: ...
