"""Disks that lose what was not flushed, disks that are full, and counts of what was tried."""
