"""Where links in messages lead: the pages of the dashboard."""

from urllib.parse import quote

from services.notifier.domain.event import (
    AboutConnection,
    AboutErrors,
    AboutGaps,
    Event,
    ScanCompleted,
    ScanFailed,
    ScheduleOverdue,
)


class Links:
    """Addresses of pages, as people reach them."""

    def __init__(self, frontend_url: str) -> None:
        self._root = frontend_url.rstrip("/")

    def about(self, event: Event) -> tuple[str, str]:
        """Gives the page that shows what happened, and what to call the way there."""
        detail = event.detail
        if isinstance(detail, ScanCompleted | ScanFailed):
            return self._page(event.location_id, "scans", detail.scan_id), "Open the scan"
        if isinstance(detail, ScheduleOverdue):
            return self._page(event.location_id, "schedules"), "Open the schedule"
        if isinstance(detail, AboutErrors | AboutGaps):
            return self.inbox(), "Open the inbox"
        if isinstance(detail, AboutConnection):
            return self._page(event.location_id, "settings", "connection"), "Open the connection"
        return self._page(event.location_id, "workflows", detail.workflow_id), "Open the workflow"

    def incident(self, incident_id: str) -> str:
        """Gives the page of an incident."""
        return f"{self._root}/alerts/{quote(incident_id, safe='')}"

    def inbox(self) -> str:
        """Gives the page of all incidents."""
        return f"{self._root}/alerts"

    def settings(self, location_id: str) -> str:
        """Gives the page where a location's alerts are set."""
        return self._page(location_id, "settings", "alerts")

    def _page(self, *path: str) -> str:
        steps = "/".join(quote(step, safe="") for step in path if step)
        return f"{self._root}/l/{steps}"
