"""Whole nets: their operations are counted, their speed is measured, and both are put under a roofline."""
