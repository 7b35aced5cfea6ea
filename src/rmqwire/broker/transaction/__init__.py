"""Transactions: half messages, what became of them, check-backs (RocketMQ's ``broker/transaction``)."""
