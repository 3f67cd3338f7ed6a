"""File formats of recordings."""
