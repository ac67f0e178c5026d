"""The batches of training: their order, and how their images are warped."""
