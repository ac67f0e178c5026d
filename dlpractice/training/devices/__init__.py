"""Where and how a run computes: the devices, the machines that train together, and the precision."""
