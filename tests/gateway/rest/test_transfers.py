"""History out and in over HTTP."""

import csv
import io
import json
from datetime import UTC, datetime

import pytest

from gateway.rest.middleware import LARGEST_IMPORT
from libs.contracts.ingestion.v1 import ingestion_pb2 as pb
from libs.problems import InvalidRequest, Unavailable
from libs.rpc.times import timestamp

AT = datetime(2026, 3, 1, 9, 30, 15, 250_000, tzinfo=UTC)
RUNS = [
    pb.Execution(
        execution_id="0198c1f2-7d3a-7c54-9d0e-2f4b6a8c0e12", location_id="l", workflow_id="wf-1",
        workflow_name="=1+1", status=pb.EXECUTION_STATUS_FAILED, failed_action_name="Send, SMS",
        error_message='He said "no"\nand left', executed_at=timestamp(AT),
        received_at=timestamp(AT), source=pb.EXECUTION_SOURCE_WEBHOOK, error_class="OTHER",
    ),
    pb.Execution(
        execution_id="0198c1f2-7d3a-7c54-9d0e-2f4b6a8c0e13", location_id="l", workflow_id="wf-2",
        workflow_name="'quoted", status=pb.EXECUTION_STATUS_SUCCESS, execution_time_ms=0,
        executed_at=timestamp(AT), run_id="-7",
    ),
]  # fmt: skip
IMPORTED = ("location_id", "error_class", "received_at", "source")
EXPORT, IMPORT = "/api/executions/export", "/api/executions/import"


class TextRangeTooLong(InvalidRequest):
    """At most 7 days."""

    reason = "TEXT_RANGE_TOO_LONG"


@pytest.fixture
def exporting(street):
    portions = [pb.ExportExecutionsResponse(executions=[each]) for each in RUNS]
    street.ingestion.answers("ExportExecutions", portions)
    return street.ingestion


@pytest.fixture
def importing(street):
    def answer(portions):
        lines = [line for portion in portions for line in portion.lines]
        return pb.ImportExecutionsResponse(accepted_count=len(lines))

    street.ingestion.answers("ImportExecutions", answer)
    return street.ingestion


async def send(client, text, media_type="application/x-ndjson", **params):
    body = text if isinstance(text, bytes) else text.encode()
    headers = {"Content-Type": media_type}
    return await client.call("POST", IMPORT, data=io.BytesIO(body), headers=headers, params=params)


def lines_of(ingestion):
    return [each for portion in ingestion.last("ImportExecutions") for each in portion.lines]


async def test_an_export_is_one_execution_a_line(exporting, client, location_id):
    answer = await client.get(EXPORT)

    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith("application/x-ndjson")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="executions.ndjson"'
    first, second = map(json.loads, answer.text.splitlines())
    assert (first["id"], first["status"]) == (RUNS[0].execution_id, "failed")
    assert first["executed_at"] == "2026-03-01T09:30:15.250000Z"
    assert (second["execution_time_ms"], second["error_message"]) == (0, None)
    assert exporting.last("ExportExecutions") == pb.ExportExecutionsRequest(location_id=location_id)


async def test_csv_has_a_header_and_no_formulas(exporting, client):
    answer = await client.get(EXPORT, format="csv")

    assert answer.headers["Content-Type"].startswith("text/csv")
    first, second = csv.DictReader(io.StringIO(answer.text))
    assert first["workflow_name"] == "'=1+1"
    assert first["error_message"] == RUNS[0].error_message
    assert (second["workflow_name"], second["run_id"]) == ("''quoted", "'-7")
    assert second["error_message"] == ""


async def test_an_export_takes_the_filters_of_the_list(exporting, client, location_id):
    await client.get(
        EXPORT, workflow_id="wf-1", status=["failed", "partial"], error_text="no",
        executed_from="2026-03-01T09:30:15.250Z", error_class="OTHER", failed_action_id="s",
    )  # fmt: skip
    assert exporting.last("ExportExecutions") == pb.ExportExecutionsRequest(
        location_id=location_id,
        workflow_id="wf-1",
        statuses=[pb.EXECUTION_STATUS_FAILED, pb.EXECUTION_STATUS_PARTIAL],
        error_text="no",
        executed_from=timestamp(AT),
        error_class="OTHER",
        failed_action_id="s",
    )


@pytest.mark.parametrize("form", ["ndjson", "csv"])
async def test_an_empty_export_is_empty(street, client, form):
    street.ingestion.answers("ExportExecutions", [])
    answer = await client.get(EXPORT, format=form)
    assert answer.status == 200
    assert len(answer.text.splitlines()) == (form == "csv")


async def test_what_is_wrong_is_told_before_anything_is_sent(street, client):
    street.ingestion.answers("ExportExecutions", TextRangeTooLong())
    answer = await client.get(EXPORT)
    assert (answer.status, answer.body["reason"]) == (400, "TEXT_RANGE_TOO_LONG")
    assert (await client.get(EXPORT, format="xml")).status == 400
    for page in ({"limit": "3"}, {"page_token": "x"}):
        answer = await client.get(EXPORT, **page)
        assert (answer.status, answer.body["reason"]) == (400, "UNKNOWN_PARAMETER")


@pytest.mark.parametrize("form", ["ndjson", "csv"])
async def test_an_export_can_be_imported_as_it_is(exporting, importing, client, form):
    export = await client.get(EXPORT, format=form)
    media_type = "text/csv; charset=utf-8" if form == "csv" else "application/x-ndjson"
    answer = await send(client, export.text.replace('"l"', "null").replace(",l,", ",,"), media_type)

    assert answer.status == 200
    assert answer.body == {"accepted": 2, "duplicates": 0, "rejected": 0, "rejected_lines": []}
    for line, run in zip(lines_of(importing), RUNS, strict=True):
        expected = pb.Execution()
        expected.CopyFrom(run)
        for name in IMPORTED:
            expected.ClearField(name)
        expected.source = line.execution.source
        assert line.execution == expected


async def test_lines_of_others_have_the_fields_of_the_batch_call(importing, client, location_id):
    text = (
        '\ufeff{"workflowId": "a", "status": "success", "executedAt": "2026-03-01T09:30:15.25Z"}\n'
        "\n"
        '{"workflow": {"id": "b"}, "status": "failed", "executed_at": 1772357415, "runId": "r"}'
    )
    answer = await send(client, text)
    assert answer.body["accepted"] == 2
    first, second = lines_of(importing)
    assert (first.number, first.execution.workflow_id) == (1, "a")
    assert first.execution.executed_at == timestamp(AT)
    assert (second.number, second.execution.run_id) == (3, "r")
    assert {each.location_id for each in importing.last("ImportExecutions")} == {location_id}


async def test_csv_of_others_needs_three_columns(importing, client):
    text = 'executedAt,workflowId,status,errorMessage\n2026-03-01T09:30:15Z,a,failed,"x\n""y"""\n'
    assert (await send(client, text, "text/csv")).body["accepted"] == 1
    (line,) = lines_of(importing)
    assert (line.number, line.execution.error_message) == (2, 'x\n"y"')

    twice = "status,workflow_id,executed_at,Status\n"
    for header in ("", "a,b\n", "status,workflow_id\n", twice):
        answer = await send(client, f"{header}1,2\n", "text/csv")
        assert (answer.status, answer.body["reason"]) == (400, "HEADER_MALFORMED")


async def test_lines_that_cannot_be_read_are_told_with_those_ingestion_refused(street, client):
    rejected = pb.RejectedLine(number=2, reason="EXECUTED_AT_MISSING", field="executed_at")
    street.ingestion.answers(
        "ImportExecutions",
        pb.ImportExecutionsResponse(accepted_count=1, rejected_count=1, rejected_lines=[rejected]),
    )
    good = '{"workflowId": "a", "status": "success"}'
    text = "\n".join(["nonsense", good, '{"status": "x"}', good, "[]", "7" * 70_000, ""])
    answer = await send(client, text)

    assert (answer.body["accepted"], answer.body["rejected"]) == (1, 5)
    told = [(each["line"], each["reason"]) for each in answer.body["rejected_lines"]]
    assert told == [
        (1, "LINE_NOT_OBJECT"),
        (2, "EXECUTED_AT_MISSING"),
        (3, "STATUS_UNKNOWN"),
        (5, "LINE_NOT_OBJECT"),
        (6, "RECORD_TOO_LONG"),
    ]


async def test_csv_lines_that_cannot_be_read_are_told(importing, client):
    rows = ["workflow_id,status,executed_at", "a,success,2026-03-01T09:30:15Z", "a,b", '"a"b,c,d']
    answer = await send(client, "\n".join(rows), "text/csv")
    told = [(each["line"], each["reason"]) for each in answer.body["rejected_lines"]]
    assert told == [(3, "COLUMNS_DIFFER"), (4, "ROW_MALFORMED")]
    assert answer.body["accepted"] == 1


async def test_a_long_file_goes_in_portions(importing, client):
    line = '{"workflowId": "a", "status": "success", "errorMessage": "%s"}\n'
    await send(client, line % "" * 1001 + line % ("x" * 60_000) * 20)
    portions = importing.last("ImportExecutions")
    assert [len(each.lines) for each in portions] == [500, 500, 19, 2]
    numbers = [line.number for portion in portions for line in portion.lines]
    assert numbers == list(range(1, 1022))


async def test_a_file_of_more_than_a_mebibyte_is_taken_and_one_that_is_too_large_is_not(
    importing, client
):
    assert (await send(client, b"\n" * 1_100_000)).status == 200
    answer = await client.with_headers(Connection="close").call(
        "POST",
        IMPORT,
        headers={
            "Content-Type": "text/csv",
            "Content-Length": str(LARGEST_IMPORT + 1),
        },
    )
    assert answer.status == 413


async def test_another_content_type_is_refused(importing, client):
    answer = await send(client, "{}", "application/json")
    assert (answer.status, answer.body["reason"]) == (415, "CONTENT_TYPE_NOT_LINES")
    assert not importing.asked


async def test_what_stops_an_import_is_told(street, client):
    class DatabaseUnavailable(Unavailable):
        """The database does not answer."""

        reason = "DATABASE_UNAVAILABLE"

    street.ingestion.answers("ImportExecutions", DatabaseUnavailable())
    answer = await send(client, '{"workflowId": "a", "status": "success"}')
    assert (answer.status, answer.body["reason"]) == (503, "DATABASE_UNAVAILABLE")


async def test_a_key_that_only_reads_exports_and_does_not_import(exporting, importing, reader):
    assert (await reader.get(EXPORT)).status == 200
    assert (await send(reader, "")).status == 403
