"""The log of a slave: a master's bytes appended as they come, and cuts."""
