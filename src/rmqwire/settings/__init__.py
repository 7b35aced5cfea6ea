"""The keys of Java's configuration files: one row each, and how their values are read."""
