"""Consumers (Java ``DefaultMQPushConsumer``): rebalance, pulls, listeners, offsets."""
