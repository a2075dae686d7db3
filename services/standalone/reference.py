"""The pages that the code writes about itself: `.env.example` and some of `docs/`.

`make docs` writes them; a test compares them with what this would write.
"""

import importlib
import inspect
import pkgutil
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from prometheus_client.metrics import MetricWrapperBase
from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

import gateway
import libs
import services
from gateway.settings import GatewaySettings
from libs import metrics
from libs.problems import Problem
from libs.rpc.status import KINDS, Kind
from libs.settings import PeerSettings, Settings
from services.ingestion.settings import IngestionSettings
from services.notifier.settings import NotifierSettings
from services.scheduler.domain.rules.page import rules_page
from services.scheduler.settings import SchedulerSettings
from services.standalone.settings import StandaloneSettings

ROOT = Path(__file__).parents[2]
SHARED: tuple[type[Settings], ...] = (Settings, PeerSettings)
PROGRAMS: tuple[type[Settings], ...] = (
    StandaloneSettings,
    GatewaySettings,
    IngestionSettings,
    SchedulerSettings,
    NotifierSettings,
)


@dataclass(frozen=True, slots=True)
class Variable:
    """One setting, as the environment names it."""

    name: str
    default: str
    meaning: str
    secret: bool


def variables() -> list[Variable]:
    """Gives every variable that some program reads, shared ones first, each once."""
    found: dict[str, Variable] = {}
    for program in (*SHARED, *PROGRAMS):
        for each in variables_of(program):
            found.setdefault(each.name, each)
    return list(found.values())


def env_example() -> str:
    """Gives the text of `.env.example`."""
    parts = ["# Every setting with its default. Copy to .env what you want to change.\n"]
    for each in variables():
        meaning = textwrap.fill(each.meaning, 96, initial_indent="# ", subsequent_indent="# ")
        parts.append(f"{meaning}\n#{each.name}={each.default}\n")
    return "\n".join(parts)


def errors_page() -> str:
    """Gives the text of `docs/errors.md`."""
    lines = [
        "# Errors",
        "",
        "What a caller can be told. `reason` is `ErrorInfo.reason` in gRPC and `reason` in the",
        "`application/problem+json` of the REST API; switch on it, not on the text. Written by",
        "`make docs` from the code.",
        "",
        "| kind | gRPC | HTTP | may be retried |",
        "|---|---|---|---|",
        *(_kind_row(kind) for kind in KINDS),
        "",
        "| reason | kind | HTTP | what it says |",
        "|---|---|---|---|",
        *sorted(_reason_rows()),
        "",
    ]
    return "\n".join(lines)


def metrics_page() -> str:
    """Gives the text of `docs/metrics.md`."""
    lines = [
        "# Metrics",
        "",
        "What `/metrics` of every program has, in Prometheus' text format, beside what Prometheus'",
        "client says of the process. A program that does not do a thing counts none of it; in one",
        "process all of them are together. Written by `make docs` from the code.",
        "",
        "| metric | type | labels | what it says |",
        "|---|---|---|---|",
        *(_metric_row(each) for each in metrics.all_ours()),
        "",
    ]
    return "\n".join(lines)


def pages() -> dict[Path, str]:
    """Gives every written page by its place."""
    return {
        ROOT / ".env.example": env_example(),
        ROOT / "docs" / "errors.md": errors_page(),
        ROOT / "docs" / "metrics.md": metrics_page(),
        ROOT / "docs" / "rules.md": rules_page(),
    }


def variables_of(program: type[Settings]) -> Iterator[Variable]:
    """Gives the variables one program reads."""
    prefix = str(program.model_config.get("env_prefix", ""))
    for field_name, field in program.model_fields.items():
        name = str(field.validation_alias or f"{prefix}{field_name}".upper())
        meaning = " ".join((field.description or "").split())
        yield Variable(name, _default_of(field), meaning, _holds_secret(field))


def _default_of(field: FieldInfo) -> str:
    if field.default in (None, PydanticUndefined):
        return ""
    if isinstance(field.default, bool):
        return "1" if field.default else "0"
    if isinstance(field.default, tuple):
        return ",".join(str(each) for each in field.default)
    return str(field.default)


def _holds_secret(field: FieldInfo) -> bool:
    return SecretStr in _types_in(field.annotation)


def _types_in(annotation: object) -> Iterator[object]:
    yield annotation
    for each in get_args(annotation):
        yield from _types_in(each)


def _metric_row(metric: MetricWrapperBase) -> str:
    (told,) = metric.describe()
    name = f"{told.name}_total" if told.type == "counter" else told.name
    labels = ", ".join(f"`{each}`" for each in metric._labelnames)  # noqa: SLF001  nothing else tells
    return f"| `{name}` | {told.type} | {labels} | {told.documentation} |"


def _kind_row(kind: Kind) -> str:
    return f"| {kind.problem.__name__} | {kind.code.name} | {kind.http} | {kind.retry} |"


def _reason_rows() -> Iterator[str]:
    told: set[str] = set()
    for problem in _problems():
        reason = vars(problem).get("reason")
        if reason is None or reason in told:
            continue
        told.add(reason)
        kind = next(each for each in KINDS if issubclass(problem, each.problem))
        http = getattr(problem, "http", kind.http)
        text = " ".join((inspect.getdoc(problem) or "").split()).replace("|", "\\|")
        yield f"| `{reason}` | {kind.problem.__name__} | {http} | {text} |"


def _problems() -> list[type[Problem]]:
    for package in (libs, services, gateway):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if _is_ours_to_import(module.name):
                importlib.import_module(module.name)
    return [each for each in _below(Problem) if each.__module__.startswith(_PACKAGES)]


_PACKAGES = ("libs.", "services.", "gateway.")


def _is_ours_to_import(name: str) -> bool:
    return not any(part in name for part in ("__main__", "contracts", "alembic", "migrations."))


def _below(problem: type[Problem]) -> Iterator[type[Problem]]:
    for each in sorted(
        problem.__subclasses__(), key=lambda found: (found.__qualname__, found.__module__)
    ):
        yield each
        yield from _below(each)


def main() -> None:
    """Writes the pages."""
    for place, text in pages().items():
        place.write_text(text)


if __name__ == "__main__":
    main()
