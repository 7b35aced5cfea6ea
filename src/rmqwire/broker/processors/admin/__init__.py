"""broker/processors/admin."""
