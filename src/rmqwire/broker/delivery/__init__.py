"""Where a message really goes and when: properties, delay levels, inner batches."""
