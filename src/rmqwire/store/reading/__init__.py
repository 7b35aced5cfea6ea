"""Answering pulls: ranges of the log, checked, found by offset or time."""
