"""What crosses where a net is cut in two: read off the graph of a Keras model.

A cut after any operation leaves tensors that were computed before it and are needed behind it: all of these
cross forward, skip connections among them, and a gradient of the same size comes back for each that depends
on a weight that is trained. A model inside the model counts as one operation.
"""

from dataclasses import dataclass

from dlpractice.benchmark.models.graphs import Graph

BYTES = {"float64": 8, "float32": 4, "tf32": 4, "bfloat16": 2, "float16": 2}


@dataclass(frozen=True)
class Boundary:
    """A cut: behind the operation `after`, with `tensors` crossing and so many values per image each way."""

    after: str
    cut: int
    tensors: int
    forward_values: int
    backward_values: int

    def forward_bytes(self, batch: int = 1, precision: str = "float32") -> int:
        """Activations of `batch` images that cross."""
        return batch * self.forward_values * BYTES[precision]

    def backward_bytes(self, batch: int = 1, precision: str = "float32") -> int:
        """Gradients of `batch` images that come back."""
        return batch * self.backward_values * BYTES[precision]


def list_boundaries(graph: Graph) -> tuple[Boundary, ...]:
    """Every cut between two operations, in order."""
    return tuple(_describe(graph, cut) for cut in range(1, len(graph.operations)))


def _describe(graph: Graph, cut: int) -> Boundary:
    live = graph.live(cut)
    return Boundary(
        graph.operations[cut - 1].name,
        cut,
        len(live),
        sum(graph.values[number] for number in live),
        sum(graph.values[number] for number in live if number in graph.learns),
    )
