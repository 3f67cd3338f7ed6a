"""What simulated and real robots share: mood, games, playing, noise."""
