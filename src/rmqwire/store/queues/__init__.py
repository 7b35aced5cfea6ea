"""Consume queues: plain, batch, with extension units, light."""
