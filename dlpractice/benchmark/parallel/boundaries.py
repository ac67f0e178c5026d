"""What crosses where a net is cut in two, by the graph of a Keras model.

Behind a cut, tensors are needed that were computed before it. All of these cross forward, those of skip
connections among them; and for each that depends on a trained weight, a gradient of the same size comes back.
A model inside the model counts as one operation.
"""

from dataclasses import dataclass

from dlpractice.benchmark.device.memory import VALUE_BYTES
from dlpractice.benchmark.models.graphs import Graph


@dataclass(frozen=True)
class Boundary:
    """A cut between two operations.

    after: the name of the last operation before it.
    cut: how many operations lie before it.
    tensors: how many tensors cross it.
    forward_values, backward_values: how many values cross for one image, each way.
    """

    after: str
    cut: int
    tensors: int
    forward_values: int
    backward_values: int

    def forward_bytes(self, batch: int = 1, precision: str = "float32") -> int:
        """The bytes of the activations of `batch` images that cross."""
        return batch * self.forward_values * VALUE_BYTES[precision]

    def backward_bytes(self, batch: int = 1, precision: str = "float32") -> int:
        """The bytes of the gradients of `batch` images that come back."""
        return batch * self.backward_values * VALUE_BYTES[precision]


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
