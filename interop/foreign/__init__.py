"""Clients of other hands and languages on rmqwire, and the oldest Java release still met."""
