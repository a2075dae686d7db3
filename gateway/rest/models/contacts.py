"""Forgetting a contact."""

from pydantic import Field

from gateway.rest.models.shapes import Answer, Body, examples


class ForgetBody(Body):
    """Whom to forget."""

    model_config = examples({"contactId": "c-1"})

    contact_id: str
    """GoHighLevel's id of the contact."""


class Forgotten(Answer):
    """How much was kept of a contact."""

    executions: int = Field(validation_alias="execution_count")
    """Executions that lost their contact."""
    quarantined: int = Field(validation_alias="quarantined_count")
    """Unread deliveries that were removed."""
