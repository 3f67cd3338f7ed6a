"""What remembers: recorders, and the tables they fill."""
