"""The machine, its Keras backend, its memory, and how a call on it is timed."""
