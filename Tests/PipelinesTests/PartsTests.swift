import Core
import Testing

@testable import Pipelines

@Suite struct PartsTests {
    static let words: [(String, [String]?)] = [
        ("", []), ("  a\t b\n c ", ["a", "b", "c"]), ("a 'b c' \"d e\"", ["a", "b c", "d e"]),
        ("a''b \"\" ''", ["ab", "", ""]),
        ("a\\ b c\\\\ \\'", ["a b", "c\\", "'"]), ("\"a\\\"b\\n\\\\\"", ["a\"b\\n\\"]), ("'a\\b'", ["a\\b"]),
        ("a \\\n b", ["a", "b"]),
        ("--x=${params.a.b}/y '${params.a}'", ["--x=${params.a.b}/y", "${params.a}"]),
        ("$${x} \\$x '$HOME' \"\\$HOME\"", ["$${x}", "$x", "$HOME", "$HOME"]),
        ("\\${params.a}", ["$${params.a}"]), ("a#b '#' é", ["a#b", "#", "é"]),
        ("'a|b' \"c>d\" 'e*'", ["a|b", "c>d", "e*"]), ("x --a={b}", ["x", "--a={b}"]),
        ("a | b", nil), ("a && b", nil), ("a; b", nil), ("a > b", nil), ("a $(b)", nil), ("a `b`", nil),
        ("\"`b`\"", nil), ("*.py", nil), ("$HOME", nil),
        ("\"$HOME\"", nil), ("# x", nil), ("'a", nil), ("\"a", nil), ("a\\", nil), ("a?", nil), ("a [b]", nil),
    ]

    @Test func `commands split like a shell's words, and refuse what only a shell can do`() {
        let results = Self.words.map { try? ShellWords.split($0.0, field: "run") }
        for (case_, result) in zip(Self.words, results) where case_.1 != result {
            Issue.record("\(case_.0) gave \(String(describing: result))")
        }
    }

    @Test func `templates`() throws {
        let values: [String: JSONValue] = ["params.n": 3, "params.f": 0.5, "params.s": "x y", "params.b": true]
        func value(_ text: String) throws -> JSONValue {
            try Template(parsing: text, field: "f").value { values[$0] ?? "?" }
        }
        let texts = [
            "plain", "", "${params.n}", "n=${params.n}", "${params.f}${params.b}", "${params.s}", "$${params.n}",
            "$5 $$ ${params.q}!",
        ]
        #expect(try texts.map(value) == ["plain", "", 3, "n=3", "0.5true", "x y", "${params.n}", "$5 $$ ?!"])
    }

    @Test func `patterns`() {
        let cases: [(String, String, Bool)] = [
            ("*", "", true), ("a", "a", true), ("a", "ab", false), ("a*", "abc", true), ("*c", "abc", true),
            ("a*c*e", "abcde", true), ("a*c", "abcd", false),
            ("dataset:sales?", "dataset:sales1", true), ("", "x", false), ("**a**", "bab", true),
            ("*a*b*a*b*c", "ababababab", false), ("monitor:*", "monitor:x/y", true),
        ]
        #expect(cases.map { Glob.matches($0.0, $0.1) } == cases.map(\.2))
    }

    @Test func `amounts of memory`() {
        let values: [JSONValue] = [
            "2GiB", "512MB", "1.5G", "1 KiB", 1024, "16mib", "0.5k", "x", "1QB", "-1", "1e30G", true, "",
        ]
        #expect(
            values.map { try? ByteSize.parse($0, field: "memory") } == [
                1 << 31, 512_000_000, 3 << 29, 1024, 1024, 16 << 20, 512, nil, nil, nil, nil, nil, nil,
            ])
    }

    @Test func `graphs`() throws {
        let graph = Graph(nodes: ["d", "b", "c", "a"], dependencies: ["b": ["a"], "c": ["a"], "d": ["b", "c"]])
        #expect(try graph.topologicalOrder() == ["a", "b", "c", "d"])
        #expect(
            [
                graph.ready(succeeded: [], started: []), graph.ready(succeeded: ["a"], started: ["a", "b"]),
                graph.ready(succeeded: ["a", "b"], started: ["a", "b"]),
                graph.ready(succeeded: ["a", "b", "c"], started: ["a", "b", "c"]), graph.dependents(of: "a"),
                graph.dependents(of: "b"), graph.dependents(of: "d"),
            ]
                == [["a"], ["c"], ["c"], ["d"], ["d", "b", "c"], ["d"], []])
        #expect(graph.cycle() == nil)
        let circle = Graph(
            nodes: ["x", "a", "b", "c"], dependencies: ["x": ["a"], "a": ["b"], "b": ["c"], "c": ["b"]])
        #expect(circle.cycle() == ["b", "c", "b"])
        let names = (0..<300).map(String.init)
        let chain = Graph(
            nodes: names.reversed(),
            dependencies: Dictionary(uniqueKeysWithValues: zip(names.dropFirst(), names.map { [$0] as Set })))
        #expect(chain.cycle() == nil)
    }

    @Test func `environment variables`() {
        let environment = StepEnvironment(
            inputs: ["daily-sales.v2": "/slipway/inputs/daily-sales.v2"], outputs: ["model": "/slipway/outputs/model"],
            params: ["alpha": 0.1, "note": "a b", "deep": true], paramsPath: "/slipway/files/params.json",
            serverURL: "http://127.0.0.1:5000",
            token: Secret("t"), project: "restock", run: "r1", experiment: "e",
            variables: ["MINE": "1", "SLIPWAY_URL": "http://elsewhere"])
        #expect(
            environment.all == [
                "SLIPWAY_INPUT_DAILY_SALES_V2": "/slipway/inputs/daily-sales.v2",
                "SLIPWAY_OUTPUT_MODEL": "/slipway/outputs/model",
                "SLIPWAY_PARAM_ALPHA": "0.1", "SLIPWAY_PARAM_NOTE": "a b", "SLIPWAY_PARAM_DEEP": "true",
                "SLIPWAY_PARAMS": "/slipway/files/params.json",
                "SLIPWAY_URL": "http://127.0.0.1:5000", "SLIPWAY_TOKEN": "t", "SLIPWAY_PROJECT": "restock",
                "SLIPWAY_RUN": "r1",
                "MLFLOW_TRACKING_URI": "http://127.0.0.1:5000", "MLFLOW_TRACKING_TOKEN": "t",
                "MLFLOW_EXPERIMENT_NAME": "e", "MINE": "1",
            ])
    }

    @Test func `a recipe's digest changes with everything that matters, and with nothing else`() {
        let base = StepRecipe(
            command: ["python", "x"], code: Digest.of("code"), environment: "env",
            inputs: ["a": Digest.of("1"), "b": Digest.of("2")],
            params: ["p": 1], outputs: ["o": .folder], variables: [:])
        let changes: [(inout StepRecipe) -> Void] = [
            { $0.command = ["python x"] }, { $0.code = nil }, { $0.environment = nil },
            { $0.inputs["a"] = Digest.of("3") }, { $0.inputs["c"] = Digest.of("1") },
            { $0.params["p"] = 2 }, { $0.params["p"] = "1" }, { $0.outputs["o"] = .dataset("d") },
            { $0.variables["V"] = "" },
        ]
        let digests = changes.map { change in
            var recipe = base
            change(&recipe)
            return recipe.digest
        }
        #expect(Set(digests + [base.digest]).count == changes.count + 1)
        // Fixed for good: a stored cache key must still be found by a later version.
        #expect(
            base.json.canonicalText
                == "{\"code\":\"\(Digest.of("code"))\",\"command\":[\"python\",\"x\"],\"environment\":\"env\",\"inputs\":{\"a\":\"\(Digest.of("1"))\",\"b\":\"\(Digest.of("2"))\"},\"outputs\":{\"o\":\"dir\"},\"params\":{\"p\":1},\"recipe\":1,\"variables\":{}}"
        )
    }
}

@Suite struct CronScheduleTests {
    static let cases: [(schedule: String, after: String, next: [String])] = [
        ("* * * * *", "2017-01-01T00:00:00Z", ["2017-01-01T00:01", "2017-01-01T00:02"]),
        ("* * * * *", "2017-12-31T23:59:59.999Z", ["2018-01-01T00:00"]),
        ("30 3 * * *", "2017-06-01T03:29:59Z", ["2017-06-01T03:30", "2017-06-02T03:30"]),
        ("30 3 * * *", "2017-06-01T03:30:00Z", ["2017-06-02T03:30"]),
        (
            "*/15 8-9 * * *", "2017-06-01T08:50:00Z",
            ["2017-06-01T09:00", "2017-06-01T09:15", "2017-06-01T09:30", "2017-06-01T09:45", "2017-06-02T08:00"]
        ),
        (
            "5/20 0 * * *", "2017-06-01T00:00:00Z",
            ["2017-06-01T00:05", "2017-06-01T00:25", "2017-06-01T00:45", "2017-06-02T00:05"]
        ),
        ("0 12 1-7/3 * *", "2017-06-01T12:00:00Z", ["2017-06-04T12:00", "2017-06-07T12:00", "2017-07-01T12:00"]),
        ("0 9 * * MON-FRI", "2017-06-02T09:00:00Z", ["2017-06-05T09:00", "2017-06-06T09:00"]),
        ("0 9 * * sun", "2017-06-01T00:00:00Z", ["2017-06-04T09:00"]),
        ("0 9 * * 7", "2017-06-01T00:00:00Z", ["2017-06-04T09:00"]),
        (
            "0 0 * * 5-7", "2017-06-01T00:00:00Z",
            ["2017-06-02T00:00", "2017-06-03T00:00", "2017-06-04T00:00", "2017-06-09T00:00"]
        ),
        // Both days restricted: either.
        ("0 0 13 * FRI", "2017-10-01T00:00:00Z", ["2017-10-06T00:00", "2017-10-13T00:00", "2017-10-20T00:00"]),
        // One of them begins with a star: both.
        ("0 0 13 * *", "2017-10-01T00:00:00Z", ["2017-10-13T00:00", "2017-11-13T00:00"]),
        ("0 0 */2 * FRI", "2017-10-01T00:00:00Z", ["2017-10-13T00:00", "2017-10-27T00:00"]),
        ("0 0 31 * *", "2017-01-31T00:00:00Z", ["2017-03-31T00:00", "2017-05-31T00:00"]),
        ("0 0 29 2 *", "2097-01-01T00:00:00Z", ["2104-02-29T00:00"]),
        ("0 0 1 jan,JUL *", "2017-01-01T00:00:00Z", ["2017-07-01T00:00", "2018-01-01T00:00"]),
        (
            "1,3,5-7 0 * * *", "2017-06-01T00:03:00Z",
            ["2017-06-01T00:05", "2017-06-01T00:06", "2017-06-01T00:07", "2017-06-02T00:01"]
        ),
        ("@hourly", "2017-06-01T23:00:00Z", ["2017-06-02T00:00"]),
        ("@weekly", "2017-06-01T00:00:00Z", ["2017-06-04T00:00"]),
        ("@monthly", "2017-06-01T00:00:00Z", ["2017-07-01T00:00"]),
        ("@YEARLY", "2017-06-01T00:00:00Z", ["2018-01-01T00:00"]),
        ("@daily", "1969-12-31T00:00:00Z", ["1970-01-01T00:00"]),
    ]

    @Test(arguments: cases.indices)
    func `the next times`(_ index: Int) throws {
        let (text, after, expected) = Self.cases[index]
        let schedule = try CronSchedule(parsing: text)
        var at = try Timestamp(parsing: after)
        var found: [String] = []
        for _ in expected {
            at = try #require(schedule.next(after: at))
            found.append(String(at.description.prefix(16)))
        }
        #expect(found == expected)
    }

    @Test(arguments: [
        "", "* * * *", "* * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * 32 * *", "* * * 0 *", "* * * 13 *",
        "* * * * 8", "5-1 * * * *", "*/0 * * * *",
        "*/x * * * *", "1-2-3 * * * *", "1/2/3 * * * *", "a * * * *", "-1 * * * *", ", * * * *", "1, * * * *",
        "* * * * MOO", "0 0 30 2 *", "0 0 31 4,6,9,11 *", "@often",
        "+5 * * * *", "1e1 * * * *",
    ])
    func `mistakes`(_ text: String) {
        let error = #expect(throws: SlipwayError.self) { try CronSchedule(parsing: text) }
        #expect(error?.details["field"] == "schedule")
    }
}
