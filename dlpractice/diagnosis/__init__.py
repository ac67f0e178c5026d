"""What is wrong with a training run, how sure that is, and what to change. Needs no TensorFlow."""
