"""The metrics of files: what is stored, for whom and in which state, what passes, and what verification finds."""

from collections.abc import Iterator

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from lgsp_gateway.delivery.files.build import Files


class FileMetrics(Collector):
    """The files of the bus, which every gateway reports alike, and what this gateway did."""

    def __init__(self, files: Files) -> None:
        self._files = files

    def collect(self) -> Iterator[Metric]:
        """Return the samples of now."""
        index, counts = self._files.records.index, self._files.counts
        stored = GaugeMetricFamily(
            "lgsp_file_stored_bytes", "Bytes of the files of an agency, uploads with their full size", labels=["agency"]
        )
        for agency, size in index.bytes_by_agency().items():
            stored.add_metric([agency], size)
        yield stored
        states = GaugeMetricFamily("lgsp_files", "Files by state", labels=["state"])
        for state, number in index.count_by_state().items():
            states.add_metric([state], number)
        yield states
        yield CounterMetricFamily("lgsp_file_uploaded_bytes", "Bytes received of uploads", value=counts.uploaded)
        yield CounterMetricFamily("lgsp_file_downloaded_bytes", "Bytes sent of files", value=counts.downloaded)
        verified = CounterMetricFamily(
            "lgsp_file_verifications", "Verified files: available, or why they are quarantined", labels=["outcome"]
        )
        for outcome, number in counts.verified.items():
            verified.add_metric([outcome], number)
        yield verified
        yield CounterMetricFamily(
            "lgsp_file_scan_failures",
            "Verifications that were put off, since the scanner or the store did not answer",
            value=self._files.verification.scans_failed,
        )
