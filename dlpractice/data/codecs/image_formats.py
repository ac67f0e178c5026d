"""The formats of image files: which are decoded, how their names end, and what to do about others."""

from pathlib import PurePosixPath

# By Pillow's names. A multi-picture JPEG (MPO) is opened as a JPEG, and named when a second picture is seen.
EXTENSIONS: dict[str, tuple[str, ...]] = {
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "MPO": (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"),
    "PNG": (".png", ".apng"),
    "WEBP": (".webp",),
    "TIFF": (".tif", ".tiff"),
    "GIF": (".gif",),
    "BMP": (".bmp", ".dib"),
    "PPM": (".pgm", ".ppm", ".pbm", ".pnm", ".pfm"),
    "JPEG2000": (".jp2", ".j2k", ".jpf", ".jpx", ".j2c", ".jpc"),
    "AVIF": (".avif", ".avifs"),
    "HEIF": (".heic", ".heif", ".hif", ".heics", ".heifs"),
    "TGA": (".tga", ".icb", ".vda", ".vst"),
    "ICO": (".ico",),
    "PCX": (".pcx",),
    "SGI": (".sgi", ".rgb", ".rgba", ".bw"),
    "SUN": (".ras",),
}

# A TGA begins with nothing that tells it from other files, so only its name makes it one.
NAMELESS = "TGA"
OPENED = tuple(name for name in EXTENSIONS if name not in ("MPO", "HEIF", NAMELESS))

# What the type of a HEIC file may be, in its bytes 8 to 11.
_HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
INSTALL_HEIC = "pip install pillow-heif"

CAMERA_FILE = "a camera's raw file: export it as JPEG, or as TIFF of 16 bits"
_DRAWING = "a drawing made of lines, without pixels: export it as PNG"
_SCAN = "a medical or scientific format: export it as PNG or TIFF of 16 bits"
_EXPORT = "export it as PNG or TIFF"

# Images by their name that are not decoded here, and what to do: they are reported instead of passed over.
FOREIGN: dict[str, str] = {
    **dict.fromkeys(
        (".dng", ".cr2", ".cr3", ".crw", ".nef", ".nrw", ".arw", ".orf", ".rw2", ".raf"), CAMERA_FILE
    ),
    **dict.fromkeys((".pef", ".srw", ".raw"), CAMERA_FILE),
    **dict.fromkeys((".svg", ".svgz", ".eps", ".ai", ".wmf", ".emf", ".cdr"), _DRAWING),
    **dict.fromkeys((".dcm", ".dicom", ".nii", ".nrrd", ".mha", ".mhd", ".fits", ".fit", ".fts"), _SCAN),
    **dict.fromkeys((".czi", ".lif", ".lsm", ".nd2", ".oib", ".svs", ".ndpi", ".vsi"), _SCAN),
    **dict.fromkeys(
        (".jxl", ".jxr", ".psd", ".psb", ".xcf", ".kra", ".exr", ".hdr", ".dds", ".qoi"), _EXPORT
    ),
    **dict.fromkeys(
        (".icns", ".cur", ".xbm", ".xpm", ".flif", ".bpg", ".djvu", ".pct", ".pict", ".pam"), _EXPORT
    ),
}

IMAGE_EXTENSIONS = frozenset(ending for endings in EXTENSIONS.values() for ending in endings) | frozenset(
    FOREIGN
)


def is_camera_file(name: str) -> bool:
    """True for the name of a camera's raw file, in which other readers find a small preview."""
    return FOREIGN.get(PurePosixPath(name).suffix.lower()) == CAMERA_FILE


def is_heic(content: bytes) -> bool:
    """True for the bytes of a HEIC file, by their beginning."""
    return content[4:8] == b"ftyp" and content[8:12] in _HEIC_BRANDS
