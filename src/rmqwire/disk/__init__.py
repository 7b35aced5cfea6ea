"""The disk as everything above sees it: the door to files, and tables kept as JSON."""
