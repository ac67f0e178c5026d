"""Where a run computes: devices, machines that train together, and precision."""
