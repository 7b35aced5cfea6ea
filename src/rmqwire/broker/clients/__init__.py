"""Clients that are connected: who they are, what they hold, which of their pulls wait."""
