"""One row for each key of ``broker.conf``, by Java's class."""
