"""The kinds of destinations, a file each."""
