"""One-shot tasks by published protocols, and who answers them."""
