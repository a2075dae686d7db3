"""How a message looks as a mail: text and HTML with the same facts."""

from collections.abc import Sequence
from pathlib import Path

from jinja2 import FileSystemLoader, StrictUndefined, select_autoescape
from jinja2.sandbox import ImmutableSandboxedEnvironment

from libs.clock import Clock
from services.notifier.domain.delivery import Frozen
from services.notifier.domain.message import Message, Occasion
from services.notifier.domain.passes import UNSUBSCRIBE_FOR, VALID_FOR, Act, Pass, Passes
from services.notifier.domain.target import Target

TEMPLATES = Path(__file__).with_name("templates")
GREEN = "#15803d"
COLOURS = {"critical": "#c62828", "warning": "#b45309", "info": "#1d4ed8"}
"""Red, orange, blue; dark enough that white text on them can be read."""

OPEN = (Occasion.OPENED, Occasion.RAISED, Occasion.REMINDER, Occasion.UPDATE)
WAYS = {
    Act.ACKNOWLEDGE: "Acknowledge",
    Act.SNOOZE: "Snooze for 4 hours",
    Act.RESOLVE: "Resolve",
}
"""What can be done with an incident right from the mail."""


def colour_of(message: Message) -> str:
    """Gives the colour that tells the severity, or that it is over."""
    return GREEN if message.occasion is Occasion.RESOLVED else COLOURS[message.severity]


class MailLayout:
    """The templates, read once."""

    def __init__(self, passes: Passes, clock: Clock) -> None:
        self._passes = passes
        self._clock = clock
        environment = ImmutableSandboxedEnvironment(
            loader=FileSystemLoader(TEMPLATES),
            undefined=StrictUndefined,
            autoescape=select_autoescape(["html"]),
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )
        self._text = environment.get_template("mail.txt")
        self._html = environment.get_template("mail.html")

    def freeze(self, message: Message, target: Target) -> Frozen:
        """Gives subject, text and HTML, with links that only this recipient has."""
        shown = {
            "message": message,
            "colour": colour_of(message),
            "ways": self._ways(message, target),
            "unsubscribe": self._link(Act.UNSUBSCRIBE, target),
        }
        return Frozen(
            subject=message.subject,
            text=self._text.render(shown),
            html=self._html.render(shown),
        )

    def _ways(self, message: Message, target: Target) -> Sequence[tuple[str, str]]:
        incident = message.content.get("incident")
        if not incident or message.occasion not in OPEN:
            return ()
        location_id, incident_id = message.content["location_id"], incident["incident_id"]
        return [
            (label, self._link(act, target, location_id, incident_id))
            for act, label in WAYS.items()
        ]

    def _link(self, act: Act, target: Target, location_id: str = "", incident_id: str = "") -> str:
        span = VALID_FOR if incident_id else UNSUBSCRIBE_FOR
        until = self._clock.now() + span
        place = location_id or target.location_id
        return self._passes.link(Pass(act, place, target.target_id, incident_id, until))
