"""Messages by key: index files, built from the log."""
