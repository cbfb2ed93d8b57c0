"""States that 0.1.0 left, and the feeds that they are of."""
