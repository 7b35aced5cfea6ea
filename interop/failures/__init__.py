"""What the experiments with failures need: a proxy, a name server that flaps, producers side by side."""
