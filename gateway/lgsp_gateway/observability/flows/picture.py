"""One picture of the flows, and what has changed since another one, so that a stream sends little.

A picture is the answer to a question at one time. Whoever has a picture and applies the changes since has the later picture.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lgsp_gateway.evidence.search.flow_counts import LatencyCell, TrafficPoint

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Picture:
    """The flows at one time.

    Args:
        head: what is said of the picture as a whole: its time, its window, the figures of all flows together.
        items: the listed flows by identifier, in order.
        names: titles of what occurs, by kind (`agencies`, `systems`, `services`) and name.
        series: what passed in each span of the window, in order.
        latency: how fast the listed services were, by service and begin of the span.
    """

    head: Document
    items: Mapping[str, Document]
    names: Mapping[str, Mapping[str, Document]]
    series: tuple[TrafficPoint, ...]
    latency: Mapping[tuple[str, int], LatencyCell]

    def document(self) -> Document:
        """Return the whole picture as a JSON object."""
        return {
            **self.head,
            "items": list(self.items.values()),
            **self.names,
            "series": [point._asdict() for point in self.series],
            "latency": [cell._asdict() for cell in self.latency.values()],
        }

    def changes_since(self, before: "Picture") -> Document:
        """Return what is different from an earlier picture of the same question, as a JSON object.

        It has all of `head`, and of the rest what is new or different; `removed` names the flows that are listed no more. Spans
        before `head.first` are no longer part of the window.
        """
        new_names = {
            kind: {name: title for name, title in titles.items() if before.names.get(kind, {}).get(name) != title}
            for kind, titles in self.names.items()
        }
        return {
            **self.head,
            "items": [item for key, item in self.items.items() if before.items.get(key) != item],
            "removed": [key for key in before.items if key not in self.items],
            **new_names,
            "series": [point._asdict() for point in self.series if point not in before.series],
            "latency": [cell._asdict() for key, cell in self.latency.items() if before.latency.get(key) != cell],
        }
