"""What was put and got: statistics by name and key, and the windows of each."""
