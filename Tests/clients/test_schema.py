"""The schema of each database is checked in: a change of it shows in review. UPDATE_GOLDEN=1 writes it anew."""

import os
import subprocess
import uuid
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
GOLDEN = REPOSITORY / "Tests" / "Golden"
BINARY = os.environ.get("SLIPWAY_BINARY", str(REPOSITORY / ".build" / "debug" / "slipway"))


def dump(folder: Path, *options: str) -> str:
    command = [BINARY, "migrate", "--dump", "--data", str(folder), *options]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout


def compare(name: str, text: str) -> None:
    path = GOLDEN / name
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text)
    assert text == path.read_text(), f"the schema differs from {path}; if that is meant, run with UPDATE_GOLDEN=1"


def test_sqlite(tmp_path: Path) -> None:
    text = dump(tmp_path / "data")
    assert dump(tmp_path / "data") == text, "migrating again changes nothing"
    compare("schema.sqlite.sql", text)


@pytest.mark.skipif(not os.environ.get("SLIPWAY_TEST_POSTGRES"), reason="SLIPWAY_TEST_POSTGRES is not set")
def test_postgres(tmp_path: Path) -> None:
    url = os.environ["SLIPWAY_TEST_POSTGRES"]
    schema = f"dump_{uuid.uuid4().hex[:12]}"
    psql = ["psql", "-q", "-v", "ON_ERROR_STOP=1", url, "-c"]
    subprocess.run([*psql, f"CREATE SCHEMA {schema}"], check=True, timeout=60)
    try:
        mark = "&" if "?" in url else "?"
        compare("schema.postgres.sql", dump(tmp_path / "data", "--database", f"{url}{mark}options=-csearch_path%3D{schema}"))
    finally:
        subprocess.run([*psql, f"DROP SCHEMA {schema} CASCADE"], check=True, timeout=60)
