"""Event loops, and calls that work from every one of them and from every thread."""
