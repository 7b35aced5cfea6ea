"""broker/processors."""
