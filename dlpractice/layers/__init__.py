"""Keras layers of our own.

They are saved inside model.keras, so that a changed name or argument makes old runs unreadable.
"""
