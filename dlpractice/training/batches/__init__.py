"""What a step is fed: in which order, and how an image is warped on its way."""
