"""Opening a store: the walk over the log, what is torn or damaged, rebuilding the queues."""
