"""Each check of `make lint` must be able to fail: every rule is tried on a planted fault and on its harmless twin."""

import pathlib
import subprocess

import pytest

SCRIPTS = pathlib.Path(__file__).parent.parent

LAYER_FAULTS = [
    # file, contents, what the report must say (None: no fault)
    ("Core/A.swift", "import Database\n", "Sources/Core/A.swift:1: Database is not below Core"),
    ("Web/A.swift", "import Database\n", "Database is not below Web"),
    ("Datasets/A.swift", "// fine\nimport Tracking\n", "Sources/Datasets/A.swift:2: Tracking is not below Datasets"),
    ("Datasets/A.swift", "    @testable import struct Tracking.Run\n", "Tracking is not below Datasets"),
    ("Datasets/A.swift", "@_spi(Internals) public import Server\n", "Server is not below Datasets"),
    ("Tracking/A.swift", "import Core\nimport Datasets\nimport Foundation\n", None),
    ("Tracking/A.swift", "import Tracking\n", None),
    ("Tracking/A.swift", "// import Server\n", None),
    ("Tracking/A.swift", "import GRDB\n", "GRDB may be imported only by Database"),
    ("Database/A.swift", "import GRDB\nimport CPostgres\n", None),
    ("Objects/A.swift", "import CCurl\n", "CCurl may be imported only by Transport"),
    ("Tracking/A.swift", "import NIOCore\n", "NIOCore may be imported only by Web"),
    ("Tracking/A.swift", "import Hummingbird\n", "Hummingbird may be imported only by Web"),
    ("Tracking/RunService.swift", "import ArgumentParser\n", "ArgumentParser may be imported only by"),
    ("Tracking/RunCommands.swift", "import ArgumentParser\n", None),
    ("Tracking/A.swift", "import Yams\n", "Yams may be imported only by"),
    ("Pipelines/A.swift", "import Yams\n", None),
    ("Utilities/A.swift", "", "Sources/Utilities: unknown target"),
]

SIZE_FAULTS = [
    ("Sources/Core/A.swift", "//\n" * 401, "Sources/Core/A.swift:401: 401 lines, at most 400"),
    ("Sources/Core/A.swift", "//\n" * 400, None),
    ("Tests/CoreTests/A.swift", "//\n" * 601, "601 lines, at most 600"),
    ("Tests/CoreTests/A.swift", "Task { print(try! f()) }\n" * 600, None),
    ("Sources/Core/A.swift", 'let s = String(format: "%d", 1)\n', "Core/A.swift:1: String(format:)"),
    ("Sources/Core/A.swift", "let f = DateFormatter()\n", "formatters"),
    ("Sources/Core/A.swift", "let f = ISO8601DateFormatter()\n", "formatters"),
    ("Sources/Core/A.swift", "NSRegularExpression()\n", "NSRegularExpression"),
    ("Sources/Core/A.swift", "URLSession.shared\n", "URLSession"),
    ("Sources/Core/A.swift", "\nlet a = try! f()\n", "Core/A.swift:2: try!"),
    ("Sources/Core/A.swift", "print(1)\n", "print("),
    ("Sources/Core/A.swift", "debugPrint(1)\n", "print("),
    ("Sources/Core/A.swift", 'fingerprint(1); a.print(1) // print(1)\nlet a = "print(1) \\" try!"\n', None),
    ("Sources/Core/A.swift", 'let a = """\n  try! print(1)\n  """\n/* try!\n try! */\n', None),
    ("Sources/Core/A.swift", 'let a = """\n  text\n  """ + String(format: x)\n', "Core/A.swift:3: String(format:)"),
    ("Sources/CommandKit/A.swift", "print(1)\n", None),
    ("Sources/Core/A.swift", "Task { await f() }\n", "unstructured Task"),
    ("Sources/Core/A.swift", "Task.detached(priority: .low) { await f() }\n", "unstructured Task"),
    ("Sources/Core/A.swift", "group.addTask { await f() }\n", None),
    ("Sources/Server/A.swift", "Task { await f() }\n", None),
    ("Sources/Core/A.swift", "final class A: @unchecked Sendable {}\n", "@unchecked needs a comment"),
    ("Sources/Core/A.swift", "// All fields are constant.\nfinal class A: @unchecked Sendable {}\n", None),
    ("Sources/Core/A.swift", "final class A: @unchecked Sendable {}  // all fields are constant\n", None),
    ("Sources/Core/A.swift", "// TODO: later\n", "no open ends"),
    ("Tests/CoreTests/A.swift", "// FIXME\n", "no open ends"),
]


def check(script, root, name, text):
    path = root / name
    (root / "Sources").mkdir(exist_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return subprocess.run([SCRIPTS / script, root], capture_output=True, text=True)


@pytest.mark.parametrize("name, text, report", LAYER_FAULTS)
def test_layers(tmp_path, name, text, report):
    result = check("check-layers", tmp_path, f"Sources/{name}", text)
    assert (result.returncode, result.stderr) == (1 if report else 0, "")
    assert (report or "every import points down") in result.stdout


@pytest.mark.parametrize("name, text, report", SIZE_FAULTS)
def test_sizes(tmp_path, name, text, report):
    result = check("check-sizes", tmp_path, name, text)
    assert (result.returncode, result.stderr) == (1 if report else 0, "")
    assert (report or "nothing to complain about") in result.stdout


def test_format(tmp_path):
    """The format check reads .swift-format and fails for a file that breaks a rule of it."""
    file = tmp_path / "A.swift"
    file.write_text("func f(_ a: Int?) -> Int {\n    a!\n}\n")
    result = subprocess.run(
        ["swift", "format", "lint", "--strict", "--configuration", SCRIPTS.parent / ".swift-format", file],
        capture_output=True, text=True)
    assert result.returncode == 1 and "[NeverForceUnwrap]" in result.stderr
