"""The notebooks, executed: a kernel runs one from top to bottom, and a page shows the result.

Modules:

    runner   runs a notebook in a kernel of its own
    page     an executed notebook as one HTML page
    pace     how long a second of the notebooks lasts, for tests and for people in a hurry
"""

from .pace import a_second

__all__ = ["a_second"]
