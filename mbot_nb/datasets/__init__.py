"""Folders of recordings, opened as one dataset."""
