"""From asyncio and plain threads to the trio clients: one background thread in a process."""
