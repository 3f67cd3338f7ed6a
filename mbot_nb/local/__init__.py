"""What this user has on this machine: folders, and running programs of this package."""
