"""What the README tells a newcomer to type is typed here, in order, by reflection."""

import json
import shlex
import tempfile
from asyncio import create_subprocess_exec
from asyncio.subprocess import PIPE
from pathlib import Path

import grpc
import pytest
from google.protobuf import json_format, message_factory
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)

from tests.support.programs import standalone
from tests.support.waiting import eventually

README = (Path(__file__).parents[2] / "README.md").read_text()
STANDARD_PORTS = {"50051": "ingestion", "50052": "scheduler", "50053": "notifier"}


def script_under(title):
    return README.partition(f"## {title}")[2].partition("```sh\n")[2].partition("```")[0]


COMMANDS = [
    line
    for line in script_under("grpcurl in 60 seconds").splitlines()
    if line.startswith("grpcurl")
]


class Grpcurl:
    """As much of grpcurl as the README uses: list, describe, and a unary call."""

    def __init__(self, runtime):
        self._runtime = runtime

    def run(self, command):
        words = shlex.split(command)[1:]
        assert words.pop(0) == "-plaintext"
        body = "{}"
        if words[0] == "-d":
            _, body, *words = words
        service = STANDARD_PORTS[words[0].rpartition(":")[2]]
        with grpc.insecure_channel(self._runtime[service]) as channel:
            database = ProtoReflectionDescriptorDatabase(channel)
            if words[1] == "list":
                return list(database.get_services())
            pool = DescriptorPool(database)
            if words[1] == "describe":
                found = pool.FindServiceByName(words[2])
                return [method.name for method in found.methods]
            return self._called(channel, pool, words[1], json.loads(body))

    def _called(self, channel, pool, path, body):
        service, _, name = path.partition("/")
        method = pool.FindServiceByName(service).methods_by_name[name]
        request = message_factory.GetMessageClass(method.input_type)()
        json_format.ParseDict(body, request)
        answer_class = message_factory.GetMessageClass(method.output_type)
        call = channel.unary_unary(
            f"/{path}",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=answer_class.FromString,
        )
        return json_format.MessageToDict(call(request, timeout=5), preserving_proto_field_name=True)


@pytest.fixture(scope="module")
async def program(databases):
    names = ("ingestion", "scheduler", "notifier", "gateway")
    given = {f"{name.upper()}_DATABASE_URL": databases.new(name) for name in names}
    with tempfile.TemporaryDirectory(prefix="runwarden-") as folder:
        async with standalone(Path(folder) / "data", **given) as running:
            yield running


async def test_the_first_alert_in_60_seconds(program):
    script = script_under("The first alert in 60 seconds")
    script = script.replace(".runwarden/", f"{program.data}/")
    script = script.replace("http://127.0.0.1:8080", program.url)
    shell = await create_subprocess_exec("bash", "-eu", "-c", script, stdout=PIPE)
    typed, _ = await shell.communicate()

    async def told():
        async with program.http() as http:
            mails = (await (await http.get("/api/dev/mailbox")).json())["items"]
        return [each["subject"] for each in mails if "failed 3" in each["subject"]]

    async def scanned():
        async with program.http() as http:
            scans = (await (await http.get("/api/scans?location_id=demo")).json())["items"]
        return [each["status"] for each in scans] == ["completed"]

    assert shell.returncode == 0
    assert typed.count(b'"status":"accepted"') == 3
    assert b'"failed_executions":3' in typed
    assert b'"scan_id"' in typed
    assert await eventually(told) == ["[CRITICAL] Lead follow-up failed 3× in 24 h"]
    await eventually(scanned)


async def test_grpcurl_in_60_seconds(program):
    grpcurl = Grpcurl(program.runtime)
    answers = {command: grpcurl.run(command) for command in COMMANDS}

    listed, described, health, recorded, metrics, started, scans, settings = answers.values()
    assert "runwarden.ingestion.v1.IngestionService" in listed
    assert "RecordExecutions" in described
    assert health == {"status": "SERVING"}
    assert recorded["results"][0]["outcome"] == "OUTCOME_ACCEPTED"
    assert metrics["metrics"]["current"]["failed"] == "1"
    assert started["scan_id"] == scans["scans"][0]["scan_id"]
    assert settings["settings"]["failure_threshold"] == 3
