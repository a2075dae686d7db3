"""Rules on where steps send what they know, and what they give away on the way."""

import re
from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from urllib.parse import parse_qsl, urlsplit

from services.scheduler.domain.definition import Step, values
from services.scheduler.domain.evidence import Evidence, LocationEvidence, WorkflowEvidence
from services.scheduler.domain.finding import Severity
from services.scheduler.domain.rules.rule import Sighting, at, definition_of, live_steps, rule

CALLS = frozenset({"webhook", "custom_webhook"})
HOLDS_SECRETS = CALLS | {"custom_code"}
LOCAL_ENDINGS = (".localhost", ".local", ".test", ".invalid", ".example")
TEST_ENDINGS = (
    "trycloudflare.com",
    "webhook.site",
    "requestbin.com",
    "requestbin.net",
    "x.pipedream.net",
    "loca.lt",
    "requestcatcher.com",
    "beeceptor.com",
)
SECRET_NAMES = values.words("key apikey api_key token access_token secret client_secret password")
SECRET_ENDINGS = ("apikey", "api_key", "token", "secret", "password")
OUR_KEY = "rw_ingest_"
"""Our own keys that can only send are meant to stand in a webhook step."""

_STRONG = (
    ("a bearer token", re.compile(r"\bbearer\s+([A-Za-z0-9._~+/=-]{20,})", re.IGNORECASE)),
    (
        "a private integration token",
        re.compile(r"\b(pit-[0-9a-f]{8}-[0-9a-f-]{20,})", re.IGNORECASE),
    ),
    ("a live payment key", re.compile(r"\b([sr]k_live_[A-Za-z0-9]{16,})")),
)
_LITERAL = re.compile(r"(?=[^A-Za-z]*[A-Za-z])(?=[^0-9]*[0-9])[A-Za-z0-9._~+/=-]{16,}")


@rule(
    "GHL224",
    "Webhook goes to a test or local address",
    severity=Severity.CRITICAL,
    penalty=30,
    needs={Evidence.DEFINITION},
    remedy="Replace the address with the production https endpoint.",
    basis="A test receiver shows contacts to strangers, and a local one cannot be reached at all.",
)
def unsafe_address(workflow: WorkflowEvidence, _location: LocationEvidence) -> Iterator[Sighting]:
    """A webhook's host is local, private, a tunnel or a request catcher.

    A warning of half the points when it only lacks encryption (http).
    """
    for _, step in live_steps(workflow):
        if step.type not in CALLS:
            continue
        scheme, host = _place(values.text(step.settings.get("url")))
        if host and _is_for_tests(host):
            yield at(step, f"sends to {host[:100]}, which is a test or local address.")
        elif host and scheme == "http":
            yield at(
                step,
                f"sends to {host[:100]} without encryption (http).",
                severity=Severity.WARNING,
                penalty=15,
            )


@rule(
    "GHL229",
    "Secret in clear text",
    severity=Severity.CRITICAL,
    penalty=30,
    needs={Evidence.DEFINITION},
    remedy="Move the secret into a stored key of the Custom Webhook action, and renew it.",
    basis="Everyone who may open the workflow, or gets a copy of it, can read and use the key.",
)
def clear_secret(workflow: WorkflowEvidence, _: LocationEvidence) -> Iterator[Sighting]:
    """A webhook's header, parameter, address or login, or code, holds a token or key as text.

    A merge field is none, nor is our own key for sending runs. The finding never shows the text.
    """
    for step in definition_of(workflow).steps:
        if step.type in HOLDS_SECRETS and (found := _secret_in(step)):
            yield at(step, f"holds {found} as clear text.")


def _place(url: str) -> tuple[str, str]:
    """Gives scheme and host of an address; nothing where a merge field decides."""
    try:
        parts = urlsplit(url if "://" in url else f"//{url}")
        host = (parts.hostname or "").rstrip(".")
    except ValueError:
        return "", ""
    return (parts.scheme, host) if "{" not in parts.netloc else ("", "")


def _is_for_tests(host: str) -> bool:
    if host == "localhost" or host.endswith(LOCAL_ENDINGS):
        return True
    if any(label.startswith("ngrok") for label in host.split(".")):
        return True
    if any(host == ending or host.endswith(f".{ending}") for ending in TEST_ENDINGS):
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return address.is_private or address.is_loopback or address.is_link_local


def _secret_in(step: Step) -> str:
    for _, text in values.strings(step.settings):
        for what, pattern in _STRONG:
            if any(_is_literal(match[1]) for match in pattern.finditer(text)):
                return what
    if step.type in CALLS:
        return _named_secret(step.settings)
    return ""


def _named_secret(settings: Mapping[str, object]) -> str:
    url = values.text(settings.get("url"))
    try:
        query = parse_qsl(urlsplit(url).query, max_num_fields=100)
    except ValueError:
        query = []
    for name, value in query:
        if name.lower() in SECRET_NAMES and _is_literal(value):
            return f"a secret in the address ({name[:30]}=)"
    for part in ("headers", "parameters"):
        for each in values.objects(settings.get(part)):
            name = values.name(values.first(each, "key", "name"))
            if _sounds_secret(name) and _is_literal(values.text(each.get("value"))):
                return f"a secret in “{name[:50]}”"
    return _inline_login(settings.get("authorization"))


def _inline_login(authorization: object) -> str:
    if not isinstance(authorization, Mapping):
        return ""
    for key, text in values.strings(authorization.get("data")):
        if _sounds_secret(key) and not key.lower().endswith("id") and _is_literal(text):
            return "the secret of its authorization"
    return ""


def _sounds_secret(name: str) -> bool:
    plain = name.lower().replace("-", "_")
    return plain == "authorization" or plain in SECRET_NAMES or plain.endswith(SECRET_ENDINGS)


def _is_literal(value: str) -> bool:
    """Says whether a value looks made by a machine and stands there as itself."""
    found = value.strip().rpartition(" ")[2]
    return "{{" not in value and not found.startswith(OUR_KEY) and bool(_LITERAL.fullmatch(found))
