"""Whole nets: their operations counted, their speed measured, both under a roofline."""
