"""The same nets on other Keras backends and in ONNX Runtime."""
