"""Made-up alphabets that stand in for Omniglot: strokes, characters, the people who draw them, and a pen."""
