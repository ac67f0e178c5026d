"""`dlp predict`: classes of images, or which of a few shown classes an image is."""
