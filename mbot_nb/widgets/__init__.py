"""What a person touches: pictures and buttons in the notebook, drawn by plain modules of JavaScript beside the Python ones."""

from .card import Card

__all__ = ["Card"]
