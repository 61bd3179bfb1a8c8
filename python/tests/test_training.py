"""Shards: every row once, the same order everywhere, resumable; loaders; the link to an MLflow run."""

import json
import urllib.request

import pytest
import slipway

pa = pytest.importorskip("pyarrow")
ROWS = 3000


@pytest.fixture(scope="module")
def name(server, unique):
    """Three files of 1000 rows."""
    name, client = unique("train"), slipway.Client(server)
    for start in range(0, ROWS, 1000):
        client.append(name, pa.table({
            "id": range(start, start + 1000), "x": [float(i % 7) for i in range(1000)],
            "label": [f"c{i % 3}" for i in range(1000)]}))
    return name


@pytest.fixture
def version(name):
    return slipway.dataset(name)


def ids(batches):
    return [i for batch in batches for i in batch.column(0).to_pylist()]


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("world", [1, 2, 7])
def test_ranks_share_all_rows(version, world, shuffle):
    shares = [
        ids(version.shards(64, columns=["id"], rank=rank, world_size=world, shuffle=shuffle, shuffle_rows=500, even=False))
        for rank in range(world)]
    assert sorted(sum(shares, [])) == list(range(ROWS))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1
    assert (sum(shares, []) == list(range(ROWS))) is not shuffle


def test_even_shares_are_equal_and_what_is_left_out_changes(version):
    left_out = []
    for epoch in (0, 1):
        readers = [version.shards(100, rank=rank, world_size=7, epoch=epoch, seed=3) for rank in range(7)]
        shares = [ids(reader) for reader in readers]
        assert {len(share) for share in shares} == {ROWS // 7} == {reader.row_count for reader in readers}
        left_out.append(set(range(ROWS)) - set(sum(shares, [])))
    assert len(left_out[0]) == len(left_out[1]) == ROWS % 7 and left_out[0] != left_out[1]


def test_order_is_that_of_the_seed(version):
    def order(**options):
        return ids(version.shards(128, shuffle_rows=700, **options))

    first = order(seed=1)
    assert first == order(seed=1) != order(seed=2)
    assert order(seed=1, epoch=1) != first
    # Fixed for good: a run can be repeated next year on another machine.
    assert first[:2] == [1761, 1578]
    reader = version.shards(128, shuffle_rows=700, seed=1)
    assert (ids(reader), ids(reader)) == (first, order(seed=1, epoch=1))
    assert (reader.epoch, len(reader)) == (2, -(-ROWS // 128))


@pytest.mark.parametrize("stop", [0, 1, 5, 12, 23])
def test_goes_on_where_it_stopped(version, stop):
    def reader():
        return version.shards(64, columns=["id"], rank=1, world_size=2, seed=9, shuffle_rows=300)

    whole, first = ids(reader()), reader()
    iterator = iter(first)
    begun = ids(next(iterator) for _ in range(stop))
    state = json.loads(json.dumps(first.state_dict()))
    second = reader()
    second.load_state_dict(state)
    assert begun + ids(second) == whole
    with pytest.raises(slipway.Invalid, match="seed is 8, was 9"):
        version.shards(64, columns=["id"], rank=1, world_size=2, seed=8, shuffle_rows=300).load_state_dict(state)


def test_a_rank_fetches_only_its_files(version, monkeypatch, tmp_path):
    monkeypatch.setenv("SLIPWAY_CACHE", str(tmp_path / "own"))
    assert ids(version.shards(100, rank=0, world_size=3, shuffle=False)) == list(range(1000))
    assert len(list((tmp_path / "own/objects").glob("*/*"))) == 1


def test_rank_comes_from_the_environment(version, monkeypatch):
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "3")
    assert ids(version.shards(100, shuffle=False)) == list(range(1000, 2000))
    for rank, world in [(3, 3), (-1, 3), (0, 0)]:
        with pytest.raises(slipway.Invalid, match="does not exist"):
            version.shards(rank=rank, world_size=world)


def test_torch(version):
    torch = pytest.importorskip("torch")
    from torch.utils.data import DataLoader

    for workers in (0, 2):
        found = list(DataLoader(version.to_torch(64, seed=1), batch_size=None, num_workers=workers))
        assert sorted(torch.cat([batch["id"] for batch in found]).tolist()) == list(range(ROWS))
        assert (found[0]["x"].dtype, found[0]["id"].dtype) == (torch.float64, torch.int64)
        assert found[0]["label"] == [f"c{i % 1000 % 3}" for i in found[0]["id"].tolist()]


def test_tensorflow(version):
    tensorflow = pytest.importorskip("tensorflow")
    found = list(version.to_tf(64, seed=1))
    assert sorted(tensorflow.concat([batch["id"] for batch in found], 0).numpy().tolist()) == list(range(ROWS))
    assert found[0]["label"][0].numpy().decode() == f"c{int(found[0]['id'][0]) % 1000 % 3}"


def test_values_of_every_type():
    import datetime
    import decimal

    from slipway.loaders import _values

    numpy = pytest.importorskip("numpy")
    at = datetime.datetime(1970, 1, 1, 0, 0, 1)
    found = _values(pa.RecordBatch.from_pydict({
        "whole": [1, 2], "holes": [1, None], "flag": [True, False], "money": [decimal.Decimal("1.25"), None],
        "at": [at, at], "day": [at.date(), at.date()], "text": ["a", None]}))
    assert {name: value if isinstance(value, list) else value.dtype.name for name, value in found.items()} == {
        "whole": "int64", "holes": "float64", "flag": "bool", "money": "float64", "at": "int64", "day": "int64",
        "text": ["a", ""]}
    assert found["at"].tolist() == [1_000_000] * 2 and found["day"].tolist() == [0, 0]
    assert numpy.isnan(found["holes"][1]) and numpy.isnan(found["money"][1]) and found["whole"].flags.writeable
    for wrong in ({"list": [[1]]}, {"flag": [True, None]}):
        with pytest.raises(slipway.Invalid, match=f"column {next(iter(wrong))}"):
            _values(pa.RecordBatch.from_pydict(wrong))


def test_log_input_joins_the_run_to_the_version(version, server, unique):
    mlflow = pytest.importorskip("mlflow")
    mlflow.set_tracking_uri(server)
    mlflow.set_experiment(unique("linked"))
    with mlflow.start_run() as active:
        version.log_input()
        version.log_input("evaluation")
    run = mlflow.get_run(active.info.run_id)
    (logged,) = run.inputs.dataset_inputs
    assert (logged.dataset.name, logged.dataset.digest) == (version.name, version.digest[7:43])
    assert json.loads(logged.dataset.schema)["mlflow_colspec"][0] == {"type": "long", "name": "id", "required": False}
    with urllib.request.urlopen(f"{server}/api/v1/lineage/run:{active.info.run_id}?direction=upstream") as answer:
        assert version.ref in answer.read().decode()
    other = mlflow.MlflowClient().create_run(active.info.experiment_id).info.run_id
    version.log_input("evaluation", run_id=other)
    assert mlflow.get_run(other).inputs.dataset_inputs[0].tags[0].value == "evaluation"
