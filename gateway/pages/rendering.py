"""Templates, and how times are written in them."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

FOLDER = Path(__file__).parent
STATIC = FOLDER / "static"

_UNITS = (
    (timedelta(days=1), "d"),
    (timedelta(hours=1), "h"),
    (timedelta(minutes=1), "min"),
    (timedelta(seconds=1), "s"),
)
_SOON = timedelta(days=7)
_CODE = re.compile(r"`([^`]+)`")
_STRONG = re.compile(r"\*\*([^*]+)\*\*")


class Templates:
    """The pages' templates; everything put into them is escaped."""

    def __init__(self) -> None:
        self._environment = Environment(
            loader=FileSystemLoader(FOLDER / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters["moment"] = moment
        self._environment.filters["since"] = since
        self._environment.filters["prose"] = prose

    def page(
        self,
        template: str,
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        **shown: object,
    ) -> HTMLResponse:
        """Gives the page that a template makes."""
        text = self._environment.get_template(template).render(shown)
        return HTMLResponse(text, status_code=status, headers=dict(headers or {}))


def prose(text: str) -> Markup:
    """Gives text as paragraphs, with its `code` and **strong** words marked."""
    paragraphs = [
        _STRONG.sub(r"<strong>\1</strong>", _CODE.sub(r"<code>\1</code>", str(escape(each))))
        for each in text.strip().split("\n\n")
    ]
    return Markup("".join(f"<p>{each}</p>" for each in paragraphs))  # noqa: S704  escaped above


def since(at: datetime, now: datetime) -> str:
    """Gives a start as people say it: the time of today, or the day before that."""
    return f"{at:%H:%M} UTC" if at.date() == now.date() else f"{at:%Y-%m-%d}"


def moment(at: datetime, now: datetime) -> str:
    """Gives a time as people say it: "3 min ago", "in 2 h", or the date beyond a week."""
    distance = abs(now - at)
    if distance >= _SOON:
        return f"{at:%Y-%m-%d %H:%M} UTC"
    for length, unit in _UNITS:
        if distance >= length:
            said = f"{distance // length} {unit}"
            return f"{said} ago" if at < now else f"in {said}"
    return "just now"
