"""Puts the publication of events together."""

from nats.aio.client import Client

from lgsp_gateway.calls.pipeline import Pipeline
from lgsp_gateway.delivery.events.adapter_events import AdapterEvents
from lgsp_gateway.delivery.events.event_store import EventStore
from lgsp_gateway.delivery.events.observer import PublicationObserver
from lgsp_gateway.delivery.events.publication import EventPublication
from lgsp_gateway.delivery.events.publication_rate import PublicationRate
from lgsp_gateway.delivery.files.file_references import FileReferences
from lgsp_gateway.delivery.storage.bounds import StorageBounds
from lgsp_runtime.background import Background


async def open_events(
    per_second: int,
    pipeline: Pipeline,
    store: EventStore,
    connection: Client,
    observer: PublicationObserver,
    background: Background,
    files: FileReferences,
    bounds: StorageBounds,
) -> EventPublication:
    """Take the events of adapters from now on, and return what takes those that come over HTTP.

    Args:
        per_second: events that one system may publish to this gateway in a second.
        pipeline: of the calls, whose registry, document workers and evidence are used.
        store: keeps the events.
        connection: hears adapters.
        files: binds the files that events carry.
        bounds: what may be stored.
    """
    publication = create_events(per_second, pipeline, store, observer, files, bounds)
    await AdapterEvents(publication, background).start(connection)
    return publication


def create_events(
    per_second: int,
    pipeline: Pipeline,
    store: EventStore,
    observer: PublicationObserver,
    files: FileReferences,
    bounds: StorageBounds,
) -> EventPublication:
    """Make what takes events; see `open_events`."""
    return EventPublication(
        pipeline.gateway,
        pipeline.registry,
        pipeline.checks.workers,
        store,
        pipeline.evidence,
        pipeline.pseudonyms,
        PublicationRate(per_second),
        observer,
        files,
        bounds,
    )
