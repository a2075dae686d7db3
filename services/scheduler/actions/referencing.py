"""Reads the lists of a location that steps and triggers can point to."""

from collections.abc import Awaitable, Callable, Iterable

from services.scheduler.actions.attempts import Attempts
from services.scheduler.domain.references import References
from services.scheduler.ghl.client import ConnectedLocation
from services.scheduler.ghl.values import Item, Listing, Resource, User

Read = Callable[[], Awaitable[Listing[Item]]]


async def references(
    ghl: ConnectedLocation, attempts: Attempts, workflow_ids: Iterable[str] | None
) -> References:
    """Gives the lists; one that could not be read whole is `None`."""

    async def whole(resource: Resource, read: Read[Item]) -> tuple[Item, ...] | None:
        listing = await attempts.of(resource, read)
        return listing.items if listing is not None and not listing.skipped else None

    tags = await whole(Resource.TAGS, ghl.tags)
    forms = await whole(Resource.FORMS, ghl.forms)
    calendars = await whole(Resource.CALENDARS, ghl.calendars)
    pipelines = await whole(Resource.PIPELINES, ghl.pipelines)
    templates = await whole(Resource.TEMPLATES, ghl.templates)
    fields = await whole(Resource.CUSTOM_FIELDS, ghl.custom_fields)
    values = await whole(Resource.CUSTOM_VALUES, ghl.custom_values)
    users = await _users(ghl, attempts)
    return References(
        tags=None if tags is None else frozenset(each.name for each in tags),
        forms=_ids(forms),
        calendars=_ids(calendars),
        pipelines=_ids(pipelines),
        stages=None if pipelines is None else _ids(s for each in pipelines for s in each.stages),
        users=None if users is None else _ids(each for each in users if not each.deleted),
        templates=_ids(templates),
        workflows=None if workflow_ids is None else frozenset(workflow_ids),
        custom_fields=(
            None if fields is None else frozenset(n for each in fields for n in (each.id, each.key))
        ),
        custom_values=None if values is None else {each.key: each.filled for each in values},
    )


async def _users(ghl: ConnectedLocation, attempts: Attempts) -> tuple[User, ...] | None:
    profile = await attempts.of(Resource.LOCATION, ghl.profile)
    if profile is None:
        return None
    listing = await attempts.of(Resource.USERS, lambda: ghl.users(profile.company_id))
    return listing.items if listing is not None and not listing.skipped else None


def _ids(items: Iterable[Item] | None) -> frozenset[str] | None:
    return None if items is None else frozenset(each.id for each in items)
