"""Errors, connections that break, the cache."""

import os
import pickle
import shutil
import socket
import threading

import pytest
import slipway
from slipway import cache
from slipway.client import parse_ref


@pytest.mark.parametrize("call, kind, says", [
    (lambda: slipway.dataset("absent"), slipway.NotFound, "dataset:absent"),
    (lambda: slipway.dataset("model:sales"), slipway.Invalid, "names a model; expected dataset:NAME"),
    (lambda: slipway.dataset("sales@"), slipway.Invalid, "expected NAME, NAME@3 or NAME@TAG"),
    (lambda: slipway.slice("absent"), slipway.NotFound, "absent"),
    (lambda: slipway.query("SELECT * FROM t", {}), slipway.Invalid, "t"),
    (lambda: slipway.append("bad/name", [{"a": 1}]), slipway.Invalid, "name"),
    (lambda: slipway.Client("sales"), slipway.Invalid, "expected http://HOST:PORT"),
])
def test_errors_are_the_servers_words(call, kind, says):
    with pytest.raises(kind, match=says) as refused:
        call()
    assert isinstance(refused.value, slipway.SlipwayError)
    assert refused.value.code == kind.code and says.split(" ")[-1] in refused.value.message


def test_an_error_says_what_the_api_says():
    with pytest.raises(slipway.NotFound) as refused:
        slipway.dataset("absent@3")
    error = refused.value
    assert (error.status, error.ref, error.code) == (404, "dataset:absent", "not_found")
    assert len(error.request_id) == 16 and error.request_id in str(error)


def test_no_server(monkeypatch):
    monkeypatch.setattr("slipway.transport.FIRST_PAUSE_SECONDS", 0.001)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.raises(slipway.Unavailable, match="SLIPWAY_URL"):
        slipway.Client(f"http://127.0.0.1:{port}").dataset("sales")


def test_the_environment_is_asked_each_time(monkeypatch, server):
    first = slipway.default_client()
    assert slipway.default_client() is first
    monkeypatch.setenv("SLIPWAY_PROJECT", "other")
    assert (slipway.default_client().project, first.project) == ("other", "default")
    assert pickle.loads(pickle.dumps(first)).url == server


@pytest.mark.parametrize("text, found", [
    ("sales", ("sales", None)), ("sales@3", ("sales", "3")), ("dataset:sales@prod", ("sales", "prod")),
    ("slipway://dataset:sales@1", ("sales", "1")),
])
def test_refs(text, found):
    assert parse_ref(text, "dataset") == found


class Cutting:
    """A proxy before the server that cuts each connection after so many bytes of its answers, `cuts` times."""

    def __init__(self, url, after, cuts):
        self.target = ("127.0.0.1", int(url.rsplit(":", 1)[1]))
        self.after, self.cuts, self.requests = after, cuts, []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection, socket.create_connection(self.target)), daemon=True).start()

    def serve(self, near, far):
        def up():
            while data := near.recv(65536):
                self.requests.append(data)
                far.sendall(data)

        threading.Thread(target=up, daemon=True).start()
        sent = 0
        while data := far.recv(4096):
            if self.cuts and sent + len(data) > self.after:
                self.cuts -= 1
                near.sendall(data[:self.after - sent])
                break
            near.sendall(data)
            sent += len(data)
        for end in (near, far):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            end.close()


def test_a_download_that_is_cut_off_goes_on(server, unique):
    pa = pytest.importorskip("pyarrow")
    # Digits that do not compress, so that the file is larger than the cut.
    version = slipway.append(unique("cut"), pa.table({"noise": [os.urandom(32).hex() for _ in range(4000)]}))
    whole = version.to_arrow()
    shutil.rmtree(cache.folder())
    proxy = Cutting(server, after=60_000, cuts=2)
    again = slipway.Client(proxy.url).dataset(version.ref)
    assert again.to_arrow() == whole
    assert proxy.cuts == 0 and any(b"Range: bytes=" in request for request in proxy.requests)
    proxy.listener.close()


def test_files_are_fetched_once_and_verified(unique, monkeypatch):
    pytest.importorskip("pyarrow")
    version = slipway.append(unique("cached"), [{"id": 1}])
    (path,) = version.paths()
    asked = []
    monkeypatch.setattr(cache, "_download", lambda *arguments: asked.append(arguments) or (0, "0" * 64))
    assert version.paths() == [path] and asked == []
    path.unlink()
    with pytest.raises(slipway.SlipwayError, match="damaged"):
        version.paths()
    assert not path.exists() and list(path.parent.iterdir()) == []


def test_the_cache_keeps_its_size(monkeypatch):
    paths = []
    for number in range(4):
        path = cache.path_of(f"{number:064x}")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes(100))
        os.utime(path, (1_000 + number, 1_000 + number))
        paths.append(path)
    os.utime(paths[0])  # in use
    assert cache.trim(250) == 200
    assert [path.exists() for path in paths] == [True, False, False, True]
    assert cache.trim(0) == 100 and paths[0].exists()


def test_threads_share_a_client(unique, client):
    name = unique("threads")
    client.append(name, [{"id": 1}])
    found, errors = [], []

    def ask():
        try:
            found.extend(client.dataset(name).ref for _ in range(20))
        except Exception as error:  # noqa: BLE001
            errors.append(error)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (errors, found) == ([], [f"dataset:{name}@1"] * 160)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_has_connections_of_its_own(unique, client):
    name = unique("forked")
    client.append(name, [{"id": 1}])
    child = os.fork()
    if child == 0:
        try:
            fine = all(client.dataset(name).version == 1 for _ in range(20))
        finally:
            os._exit(0 if fine else 1)
    assert all(client.dataset(name).version == 1 for _ in range(20))
    assert os.waitpid(child, 0)[1] == 0
