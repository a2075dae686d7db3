"""How a message looks as a mail: text and HTML with the same facts."""

from pathlib import Path

from jinja2 import FileSystemLoader, StrictUndefined, select_autoescape
from jinja2.sandbox import ImmutableSandboxedEnvironment

from services.notifier.domain.delivery import Frozen
from services.notifier.domain.message import Message, Occasion

TEMPLATES = Path(__file__).with_name("templates")
GREEN = "#15803d"
COLOURS = {"critical": "#c62828", "warning": "#b45309", "info": "#1d4ed8"}
"""Red, orange, blue; dark enough that white text on them can be read."""


def colour_of(message: Message) -> str:
    """Gives the colour that tells the severity, or that it is over."""
    return GREEN if message.occasion is Occasion.RESOLVED else COLOURS[message.severity]


class MailLayout:
    """The templates, read once."""

    def __init__(self) -> None:
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

    def freeze(self, message: Message) -> Frozen:
        """Gives subject, text and HTML."""
        return Frozen(
            subject=message.subject,
            text=self._text.render(message=message),
            html=self._html.render(message=message, colour=colour_of(message)),
        )
