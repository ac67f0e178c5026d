"""Parts of nets: layers in front, behind and between, our own where Keras has none.

A model is saved in Keras's own layers alone, see models/model_file.py.
"""
