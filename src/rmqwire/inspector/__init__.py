"""Read the files of a store, Java's or ours, without a running broker.

Each module reads one kind of file and yields plain rows (dicts with RocketMQ's own field names, as
``rmqwire inspect --json`` prints them). Nothing here writes, locks or repairs anything, and damage
is an error that names file and offset, after the rows before it.
"""
