"""The name server (RocketMQ's module of that name): routes, KV tables, its processors and shell."""
