"""The settings that come from the environment: where data lie, and where the cache is."""

import os
from pathlib import Path

import platformdirs

from dlpractice.paths import absolute, expand_home

CACHE_VARIABLE = "DLP_CACHE_DIR"
DATA_VARIABLE = "DLP_DATA_DIR"


def cache_dir() -> Path:
    """The folder for downloads, extracted data and pixels: `DLP_CACHE_DIR`, else in the user's cache."""
    chosen = os.environ.get(CACHE_VARIABLE, "").strip()
    return _folder(chosen) if chosen else Path(platformdirs.user_cache_dir("dlpractice"))


def data_dirs() -> list[Path]:
    """The folders of `DLP_DATA_DIR` in their order: searched before the network, and never written."""
    entries = os.environ.get(DATA_VARIABLE, "").split(os.pathsep)
    return [_folder(entry) for entry in entries if entry.strip()]


def _folder(entry: str) -> Path:
    """The folder that somebody wrote down: `~` is their home, and a relative path starts where they are."""
    return absolute(expand_home(entry.strip()))
