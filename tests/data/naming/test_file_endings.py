from dlpractice.data.naming.file_endings import count_endings


def test_files_are_counted_by_their_endings_the_most_frequent_first() -> None:
    paths = [
        "a/1.PGM",
        "a/2.pgm",
        "b/x.tar/3.pgm",
        "b/README",
        "b/scan.nii.gz",
        "c/",
        "c/.d/1.npy",
        "c/2.npy",
    ]
    expected = "3 files *.pgm, 2 files *.npy, 1 file without an ending, 1 file *.nii.gz"
    assert count_endings(paths) == expected
    assert count_endings([]) == count_endings(["folder/"]) == ""


def test_of_many_endings_the_rest_is_summed_up() -> None:
    paths = [f"{number}.e{number}" for number in range(8)] + ["8.e0"]
    assert count_endings(paths).startswith("2 files *.e0, 1 file *.e1,")
    assert count_endings(paths).endswith("1 file *.e4, 3 others")
