"""Lite topics: many small queues under one topic, whose messages come as events to who subscribes."""
