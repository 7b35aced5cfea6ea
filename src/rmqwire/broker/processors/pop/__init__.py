"""Requests of consumers that pop (5.x)."""
