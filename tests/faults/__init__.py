"""Real processes, kills, signals and full disks: ``python3 run.py faults``. Linux only."""
