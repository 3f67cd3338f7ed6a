"""The serial port: its reading thread, the link that heals, and the guard process that stops the
motors."""
