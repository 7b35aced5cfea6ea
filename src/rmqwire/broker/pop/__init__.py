"""Popped messages until they are acknowledged or come again: check points, acks, blocks, waiting pops."""
