"""What a broker reads from ``broker.conf``: values, their bounds, how they are loaded."""
