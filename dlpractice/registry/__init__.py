"""What there is to choose from, a row each, with names, limits and sources.

Importing it imports no TensorFlow.
"""
