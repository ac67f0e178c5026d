from pathlib import Path

import pytest

from dlpractice.config.schema import Oneshot
from dlpractice.errors import DataError
from dlpractice.recipes.data import check_classes


def change(config: Oneshot, **data: object) -> Oneshot:
    return config.model_copy(update={"data": config.data.model_copy(update=data)})


def test_classes_are_counted_in_each_part(tiny_oneshot_config: Oneshot, shared_cache: Path) -> None:
    found = check_classes.run(tiny_oneshot_config)
    assert found.accepted and found.audit.images == 144
    assert found.sizes == {"train": 18, "validation": 6, "test": 12}


def test_drawers_that_nobody_finds_are_an_error(tiny_oneshot_config: Oneshot, shared_cache: Path) -> None:
    found = check_classes.run(change(tiny_oneshot_config, drawer_pattern="^(nobody)"))
    (error,) = found.audit.of("error")
    assert "finds nobody in the names of 144 of 144 files" in error.message and len(error.paths) == 21
    assert found.sizes == {} and not found.accepted


def test_what_is_not_there_is_an_error(tiny_oneshot_config: Oneshot, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no folder or file"):
        check_classes.run(change(tiny_oneshot_config, source=str(tmp_path / "absent")))
    (tmp_path / "empty").mkdir()
    assert not check_classes.run(change(tiny_oneshot_config, source=str(tmp_path / "empty"))).accepted
