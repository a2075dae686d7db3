"""Beyond loopback a service wants TLS and a token, or to be told that the network is trusted."""

import pytest
import trustme
from pydantic import ValidationError

from libs.contracts.ingestion.v1 import ingestion_pb2 as pb
from libs.contracts.ingestion.v1 import ingestion_pb2_grpc as rpc
from libs.rpc.client import channel
from libs.rpc.server import serving
from libs.settings import PeerSettings, ServiceSettings

SERVICE = pb.DESCRIPTOR.services_by_name["IngestionService"]


class Settings(ServiceSettings):
    port: int = 0


class Answering(rpc.IngestionServiceServicer):
    async def ListWorkflows(self, request, context):
        return pb.ListWorkflowsResponse(next_page_token="answered")


def test_without_a_token_it_is_refused():
    with pytest.raises(ValidationError, match="set SERVICE_TOKEN"):
        Settings(host="0.0.0.0", insecure=True)


def test_without_tls_it_is_refused():
    with pytest.raises(ValidationError, match="INSECURE=1 inside a trusted network"):
        Settings(host="0.0.0.0", service_token="t")


def test_in_a_trusted_network_it_may_go_without_tls():
    assert Settings(host="0.0.0.0", service_token="t", insecure=True).insecure


async def test_calls_over_tls_need_the_ca_and_the_client_certificate(tmp_path):
    authority = trustme.CA()
    files = _written(authority, tmp_path)
    server = Settings(
        tls_certificate=files["server.pem"],
        tls_key=files["server.key"],
        tls_client_ca=files["ca.pem"],
    )
    client = PeerSettings(
        service_tls_ca=files["ca.pem"],
        service_tls_client_certificate=files["client.pem"],
        service_tls_client_key=files["client.key"],
    )

    def add(into):
        rpc.add_IngestionServiceServicer_to_server(Answering(), into)

    async with (
        serving(server, SERVICE.full_name, add) as address,
        channel(address.replace("127.0.0.1", "localhost"), SERVICE, client) as opened,
    ):
        stub = rpc.IngestionServiceStub(opened)
        answer = await stub.ListWorkflows(pb.ListWorkflowsRequest(), timeout=5)

    assert answer.next_page_token == "answered"


def _written(authority, folder):
    files = {"ca.pem": authority.cert_pem.bytes()}
    for name in ("server", "client"):
        issued = authority.issue_cert("localhost")
        files[f"{name}.pem"] = b"".join(each.bytes() for each in issued.cert_chain_pems)
        files[f"{name}.key"] = issued.private_key_pem.bytes()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return {name: folder / name for name in files}
