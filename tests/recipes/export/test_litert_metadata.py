"""The metadata of a LiteRT file, read by the numbers of the published schema's fields."""

import io
import json
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import flatbuffers.number_types as numbers
from ai_edge_litert import schema_py_generated as schema
from flatbuffers.encode import Get
from flatbuffers.packer import uoffset
from flatbuffers.table import Table

from dlpractice.recipes.export.writers import FORMATS

# Tables of metadata_schema.fbs (TensorFlow Lite Support), their fields in order. A field is a string, a whole
# number, a table or [of tables]; `_` stands for one that is not read.
FIELDS = {
    "ModelMetadata": "name:string _ _ subgraph_metadata:[SubGraphMetadata] _ _ "
    "associated_files:[AssociatedFile] min_parser_version:string",
    "SubGraphMetadata": "_ _ input_tensor_metadata:[TensorMetadata] output_tensor_metadata:[TensorMetadata]",
    "TensorMetadata": "name:string description:string _ content:Content process_units:[ProcessUnit] "
    "stats:Stats associated_files:[AssociatedFile]",
    "Content": "content_properties_type:byte content_properties:ImageProperties",
    "ImageProperties": "color_space:byte default_size:ImageSize",
    "ImageSize": "width:uint height:uint",
    "ProcessUnit": "options_type:byte options:NormalizationOptions",
    "NormalizationOptions": "mean:[float] std:[float]",
    "Stats": "max:[float] min:[float]",
    "AssociatedFile": "name:string description:string type:byte",
}


def read_table(kind: str, table: Table) -> dict[str, Any]:
    found = {}
    for place, field in enumerate(FIELDS[kind].split()):
        offset = table.Offset(4 + 2 * place)
        if offset and field != "_":
            name, _, inner = field.partition(":")
            found[name] = read_field(inner, table, offset)
    return found


def read_field(kind: str, table: Table, offset: int) -> Any:
    position = table.Pos + offset
    if kind == "string":
        return table.String(position).decode()
    if kind in ("byte", "uint"):
        return table.Get(numbers.Int8Flags if kind == "byte" else numbers.Uint32Flags, position)
    if kind == "[float]":
        return table.GetVectorAsNumpy(numbers.Float32Flags, offset).tolist()
    if kind.startswith("["):
        start, count = table.Vector(offset), table.VectorLen(offset)
        places: Sequence[int] = [table.Indirect(start + 4 * number) for number in range(count)]
        return [read_table(kind[1:-1], Table(table.Bytes, place)) for place in places]
    return read_table(kind, Table(table.Bytes, table.Indirect(position)))


def read_metadata(path: Path) -> tuple[dict[str, Any], dict[str, bytes]]:
    """The metadata, and the files that are packed behind the model."""
    assert path.suffix == FORMATS["litert"].ending
    content = path.read_bytes()
    model = schema.Model.GetRootAs(content, 0)
    entries = [model.Metadata(number) for number in range(model.MetadataLength())]
    (entry,) = [entry for entry in entries if entry.Name() == b"TFLITE_METADATA"]
    buffer = model.Buffers(entry.Buffer()).DataAsNumpy().tobytes()
    assert buffer[4:8] == b"M001"
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    return read_table("ModelMetadata", Table(buffer, Get(uoffset, buffer, 0))), files


def test_a_classifier_names_its_classes_to_other_tools(exported: dict[str, tuple[Path, Any]]) -> None:
    metadata, files = read_metadata(exported["litert"][0])
    (graph,) = metadata["subgraph_metadata"]
    (images,), (probabilities,) = graph["input_tensor_metadata"], graph["output_tensor_metadata"]
    assert images["name"] == "images"
    assert "stretch" in images["description"]
    assert images["content"] == {
        "content_properties_type": 2,  # ImageProperties
        "content_properties": {"color_space": 1, "default_size": {"width": 32, "height": 32}},  # RGB
    }
    assert images["process_units"] == [{"options_type": 1, "options": {"mean": [0.0], "std": [1.0]}}]
    assert images["stats"] == {"max": [255.0], "min": [0.0]}
    assert probabilities["name"] == "probabilities"
    (labels,) = probabilities["associated_files"]
    assert labels["type"] == 2  # TENSOR_AXIS_LABELS
    assert files[labels["name"]].decode().split() == ["cold", "warm"]
    (note,) = metadata["associated_files"]
    assert json.loads(files[note["name"]])["class_names"] == ["cold", "warm"]
    assert metadata["min_parser_version"] == "1.0.0"


def test_an_encoder_has_no_labels(exported_encoder: Any) -> None:
    metadata, files = read_metadata(exported_encoder("litert")[0])
    (graph,) = metadata["subgraph_metadata"]
    (images,), (embeddings,) = graph["input_tensor_metadata"], graph["output_tensor_metadata"]
    assert images["content"]["content_properties"]["color_space"] == 2  # GRAYSCALE
    assert embeddings["name"] == "embeddings"
    assert "associated_files" not in embeddings
    assert list(files) == ["dlpractice.json"]
