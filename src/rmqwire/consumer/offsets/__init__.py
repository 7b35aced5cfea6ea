"""How far a group has come in each queue, and where that is kept."""
