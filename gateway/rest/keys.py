"""API keys: who has which, making one, revoking one."""

from fastapi import APIRouter, status

from gateway.access import Caller, Scope
from gateway.rest.changes import Changes
from gateway.rest.models.access import Key, KeyBody, NewKey
from gateway.rest.models.shapes import Page
from gateway.rest.openapi import told
from gateway.rest.routes import Back, KeyedRoute, PageAsked, Who

router = APIRouter(prefix="/api/keys", tags=["Keys"], route_class=KeyedRoute)


@router.get("")
async def list_keys(back: Back, caller: Who, page: PageAsked) -> Page[Key]:
    """Lists the keys, newest first, revoked ones too; a location's key sees only its own."""
    caller.require(Scope.ADMIN)
    found = await back.access.list_keys(
        caller.location_id, page_size=page.size, page_token=page.token
    )
    return Page(
        items=[Key.model_validate(each) for each in found.items],
        next_page_token=found.next_page_token or None,
    )


@router.post("", status_code=status.HTTP_201_CREATED)
async def create_key(back: Back, caller: Who, changes: Changes, body: KeyBody) -> NewKey:
    """Makes a key. It is in this answer and nowhere else."""
    caller.require(Scope.ADMIN)
    secret, key = await back.access.create_key(
        name=body.name,
        scope=Scope(body.scope),
        location_id=_reach(caller, body.location_id),
        expires_at=body.expires_at,
    )
    await changes.note("key.created", key.key_id, key.location_id)
    return NewKey(**Key.model_validate(key).model_dump(), key=secret)


@router.delete("/{key_id}", status_code=status.HTTP_204_NO_CONTENT, responses=told(404))
async def revoke_key(back: Back, caller: Who, changes: Changes, key_id: str) -> None:
    """Revokes a key for good; within 10 seconds it opens nothing any more."""
    caller.require(Scope.ADMIN)
    key = await back.access.revoke_key(key_id, caller.location_id)
    await changes.note("key.revoked", key.key_id, key.location_id)


def _reach(caller: Caller, asked: str | None) -> str | None:
    """Gives the location of a new key; the key of a location makes keys of that one only."""
    if caller.location_id is None and asked is None:
        return None
    return caller.location(asked)
