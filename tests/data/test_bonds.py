import numpy as np

from dlpractice.data.bonds import Bonds, connected, same_key


def test_links_join_through_others() -> None:
    assert connected(7, [(5, 3), (1, 5), (2, 6)]).tolist() == [0, 1, 2, 1, 4, 1, 2]
    assert same_key(["a", None, "b", "a", None, "a"]) == [(0, 3), (0, 5)]


def test_joining_agrees_with_a_plain_search() -> None:
    rng = np.random.default_rng(3)
    links = rng.integers(0, 60, (40, 2))
    reach = np.eye(60, dtype=bool)
    reach[links[:, 0], links[:, 1]] = reach[links[:, 1], links[:, 0]] = True
    for _ in range(60):
        reach = reach @ reach
    expected = [int(np.flatnonzero(row)[0]) for row in reach]
    assert connected(60, [(int(a), int(b)) for a, b in links]).tolist() == expected


def test_groups_and_clusters_bind_together() -> None:
    bonds = Bonds(np.array([0, 1, 1, 3, 4, 5]), np.array([-1, -1, 7, 7, -1, 8]))
    assert bonds.joined().tolist() == [0, 1, 1, 1, 4, 5]
    assert bonds.without({7}).joined().tolist() == [0, 1, 1, 3, 4, 5]
    assert bonds.select(np.array([2, 3, 5])).joined().tolist() == [0, 0, 2]
