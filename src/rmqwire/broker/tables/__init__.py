"""The broker's tables under ``config/``: topics, groups, offsets and what belongs to them."""
