"""Small image data sets: a model, an explanation and a plan."""

__version__ = "0.1.0"
