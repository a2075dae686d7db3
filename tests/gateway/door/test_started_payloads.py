"""`started` is a status like the others, at the door and in strict bodies."""

import json

import pytest

from gateway.payloads import read_leniently, read_strictly
from libs.contracts.ingestion.v1 import ingestion_pb2 as pb


@pytest.mark.parametrize("read", [read_leniently, read_strictly])
def test_a_start_carries_the_id_of_its_run(read):
    body = json.dumps({"status": "started", "runId": "r-1", "workflowId": "wf"}).encode()
    (item,) = read(body, None, None).items
    assert item.content.status == pb.EXECUTION_STATUS_STARTED
    assert (item.content.run_id, item.content.idempotency_key) == ("r-1", "r-1")
