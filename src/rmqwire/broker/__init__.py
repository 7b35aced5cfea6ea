"""The broker (RocketMQ's module of that name): its tables, processors and shell."""
