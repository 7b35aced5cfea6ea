"""Running listeners on what was read."""
