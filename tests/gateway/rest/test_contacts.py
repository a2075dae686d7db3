"""Forgetting a contact over REST."""

from libs.contracts.ingestion.v1 import ingestion_pb2 as pb


async def test_a_contact_is_forgotten(street, client, location_id):
    street.ingestion.answers(
        "ForgetContact", pb.ForgetContactResponse(execution_count=3, quarantined_count=1)
    )

    answer = await client.post("/api/contacts/forget", {"contactId": "c-1"})

    assert (answer.status, answer.body) == (200, {"executions": 3, "quarantined": 1})
    asked = street.ingestion.last("ForgetContact")
    assert asked == pb.ForgetContactRequest(location_id=location_id, contact_id="c-1")


async def test_it_is_noted_without_the_contact(street, client, agency):
    street.ingestion.answers("ForgetContact", pb.ForgetContactResponse())
    await client.post("/api/contacts/forget", {"contactId": "c-secret"})
    audit = await agency.get("/api/audit")
    assert "contact.forgotten" in str(audit.body)
    assert "c-secret" not in str(audit.body)


async def test_the_contact_is_required(client):
    assert (await client.post("/api/contacts/forget", {})).status == 400


async def test_runs_can_be_listed_by_contact(street, client):
    street.ingestion.answers("ListExecutions", pb.ListExecutionsResponse())
    await client.get("/api/executions?contact_id=c-1")
    assert street.ingestion.last("ListExecutions").contact_id == "c-1"
