"""A member of a consumer group: subscriptions, rebalance, allocation of queues."""
