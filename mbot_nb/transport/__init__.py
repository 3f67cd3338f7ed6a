"""What carries text frames: real WebSockets, and an in-memory line for tests."""
