"""Classifiers and encoders built from the registry's rows, and where pretrained weights come from."""
