"""Keras layers of our own. They are saved inside model.keras: a changed name or argument leaves old runs
unreadable."""
