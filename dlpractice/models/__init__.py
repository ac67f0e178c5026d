"""Backbones, classifiers and where their pretrained weights come from."""
