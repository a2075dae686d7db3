"""The rooms import only downwards, and an unagreed room is refused."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_import_rules_hold():
    done = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
    )
    assert done.returncode == 0, done.stdout


def test_no_file_is_over_400_lines():
    long = [
        f"{path.relative_to(ROOT)}: {count}"
        for folder in ("libs", "services", "gateway", "demo", "tests")
        for path in (ROOT / folder).rglob("*.py")
        if "contracts" not in path.parts and (count := len(path.read_text().splitlines())) > 400
    ]
    assert long == []
