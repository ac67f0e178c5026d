"""From the bytes of one image file to an image of 8 bits, by Pillow or as numbers that are stretched."""
