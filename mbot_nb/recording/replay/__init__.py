"""A recording played back as a robot."""
