"""Where ONNX Runtime computes: an option of the commands that take exported files."""

PROVIDERS = (
    "Of an .onnx file: where ONNX Runtime computes, such as CUDAExecutionProvider,CPUExecutionProvider."
)


def split_names(providers: str) -> list[str]:
    """The names in the text of --providers, in which commas separate them."""
    return [name.strip() for name in providers.split(",") if name.strip()]
