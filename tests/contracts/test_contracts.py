"""The contracts are linted, the generated code is theirs, and every rpc has its tests."""

import subprocess
import sys
from pathlib import Path

import pytest

from libs.contracts.ingestion.v1 import ingestion_pb2
from libs.contracts.notifier.v1 import notifier_pb2
from libs.contracts.scheduler.v1 import scheduler_pb2

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
CONTRACTS = ROOT / "libs" / "contracts"
PROTOS = sorted((ROOT / "protos").rglob("*.proto"))
SERVICES = {
    "ingestion": ingestion_pb2.DESCRIPTOR.services_by_name["IngestionService"],
    "notifier": notifier_pb2.DESCRIPTOR.services_by_name["NotifierService"],
    "scheduler": scheduler_pb2.DESCRIPTOR.services_by_name["SchedulerService"],
}


def command_of(target):
    lines = (ROOT / "Makefile").read_text().splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith(f"{target}:"))
    return lines[start + 1].strip()


def test_the_generated_code_is_what_the_contracts_generate(tmp_path):
    (tmp_path / "protos").symlink_to(ROOT / "protos")
    protos = " ".join(str(each.relative_to(ROOT)) for each in PROTOS)
    command = command_of("protos").replace("$(BIN)/python", sys.executable)
    subprocess.run(
        command.replace("$(PROTOS)", protos),
        shell=True,
        check=True,
        cwd=tmp_path,
        env={"PATH": f"{BIN}:/usr/bin:/bin"},
    )

    made = {
        each.relative_to(tmp_path / "libs" / "contracts"): each.read_text()
        for each in _modules_in(tmp_path)
    }
    committed = {each.relative_to(CONTRACTS): each.read_text() for each in _modules_in(CONTRACTS)}
    assert made
    assert made == committed, "run `make protos`"


@pytest.mark.parametrize("proto", PROTOS, ids=lambda path: path.name)
def test_no_contract_imports_another_of_ours(proto):
    imports = [line for line in proto.read_text().splitlines() if line.startswith("import ")]
    assert all('"google/protobuf/' in line for line in imports)


def test_buf_finds_nothing_to_say():
    done = subprocess.run(
        [BIN / "buf", "lint", "protos"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("service", SERVICES)
def test_every_rpc_has_a_test_file(service):
    missing = [
        method.name
        for method in SERVICES[service].methods
        if not (ROOT / "tests" / service / f"test_{_snake(method.name)}.py").exists()
    ]
    assert missing == []


def _modules_in(folder):
    return [each for each in folder.rglob("*_pb2*") if each.suffix in (".py", ".pyi")]


def _snake(name):
    return "".join(f"_{each.lower()}" if each.isupper() else each for each in name).lstrip("_")
