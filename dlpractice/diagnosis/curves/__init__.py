"""Curves read through their noise, and over several runs."""
