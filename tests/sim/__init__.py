"""Power cuts, failing disks and damaged bytes, on simulated disks and clocks."""
