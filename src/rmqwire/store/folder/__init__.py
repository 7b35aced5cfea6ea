"""The files of a store, without what stands in their records."""
