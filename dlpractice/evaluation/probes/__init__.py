"""How much a net's features tell of the classes, before anything is trained."""
