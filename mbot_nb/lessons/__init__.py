"""The notebooks, executed: a real kernel runs one from top to bottom, and a page shows what it
did."""

from .pace import a_second

__all__ = ["a_second"]
