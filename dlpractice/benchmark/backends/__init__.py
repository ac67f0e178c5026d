"""The benchmark's nets on each Keras backend, and in ONNX Runtime."""
