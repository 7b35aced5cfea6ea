"""Requests about lite topics."""
