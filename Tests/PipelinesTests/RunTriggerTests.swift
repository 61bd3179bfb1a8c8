import Core
import Database
import Datasets
import Foundation
import Ledger
import Platform
import Synchronization
import TestSupport
import Testing
import Web

@testable import Pipelines

/// A clock that stands until it is moved.
private final class HandClock: Sendable {
    private let time: Atomic<Int64>
    init(_ text: String) throws { time = Atomic(try Timestamp(parsing: text).milliseconds) }
    var clock: Clock { Clock { [self] in Timestamp(milliseconds: time.load(ordering: .relaxed)) } }
    func set(_ text: String) throws { time.store(try Timestamp(parsing: text).milliseconds, ordering: .relaxed) }
}

@Suite struct RunTriggerTests {
    @Test func `an event starts a run once, with what the event holds`() async throws {
        try await RunFixture.with { f in
            try await f.put(
                """
                name: follow
                params: {rows: 0}
                triggers:
                  - {event: dataset.version.created, subject: "dataset:sales@*", params: {rows: "${event.data.rows}"}}
                steps:
                  - {name: say, run: "/bin/echo rows ${params.rows}"}
                """)
            // A subscription that is new begins at the end of the ledger: wait until it is there.
            for _ in 0..<200 where try await f.platform.database.read({ try !$0.exists("SELECT 1 FROM ledger_cursor") })
            {
                try await Task.sleep(for: .milliseconds(20))
            }
            let version = try await f.append("sales", "n\n1\n2\n")
            _ = try await f.append("other", "n\n1\n")
            func runs() async throws -> [PipelineRun] {
                try await f.service.runs(
                    pipeline: "follow", project: nil, state: nil, PageRequest(), as: RunFixture.maker
                ).items
            }
            for _ in 0..<200 where try await runs().isEmpty { try await Task.sleep(for: .milliseconds(20)) }
            let run = try #require(try await runs().first)
            let ended = try await f.service.wait(for: run.id, timeoutSeconds: 30, as: RunFixture.maker)
            #expect(ended.run.state == .succeeded && ended.run.actor == "pipeline-p" && ended.run.params == ["rows": 2])
            #expect(try await f.log(run, "say") == "rows 2\n")
            // The same event delivered again starts nothing.
            let event = try #require(
                try await f.platform.ledger.events(after: 0, .init(subject: version.ref), limit: 10).first {
                    $0.type == "dataset.version.created"
                })
            #expect(run.cause == "event:\(event.id)")
            try await f.triggers.subscription.handle(event)
            #expect(try await runs().count == 1)
            let up = try await f.platform.ledger.lineage(of: run.ref, .upstream, depth: 1)
            #expect(up.contains(LineageEdge(source: Ref(.event, event.id), target: run.ref, relation: "caused-by")))
        }
    }

    @Test func `schedules fire when they are due, once after a pause, and do not hinder each other`() async throws {
        let hand = try HandClock("2026-03-01T10:30:00Z")
        try await RunFixture.with(clock: hand.clock, isWorking: false) { f in
            let pipeline = try await f.put(
                """
                name: timed
                params: {kind: none}
                triggers:
                  - {schedule: "@hourly", params: {kind: hour}}
                  - {schedule: "0 0 * * *", params: {kind: day}}
                steps: [{name: only, run: /bin/true}]
                """)
            func kinds() async throws -> [String] {
                try await f.service.runs(
                    pipeline: "timed", project: nil, state: nil, PageRequest(), as: RunFixture.maker
                ).items
                    .compactMap { $0.params["kind"]?.stringValue }.sorted()
            }
            let steps: [(time: String, kinds: [String])] = [
                // The first look only notes the time.
                ("2026-03-01T10:30:00Z", []), ("2026-03-01T10:59:59Z", []), ("2026-03-01T11:00:00Z", ["hour"]),
                ("2026-03-01T11:00:01Z", ["hour"]), ("2026-03-01T11:30:00Z", ["hour"]),
                // Down for three hours.
                ("2026-03-01T14:30:00Z", ["hour", "hour"]),
                // Both at midnight.
                ("2026-03-02T00:00:00Z", ["day", "hour", "hour", "hour"]),
                ("2026-03-02T00:00:01Z", ["day", "hour", "hour", "hour"]),
            ]
            var got: [[String]] = []
            for step in steps {
                try hand.set(step.time)
                try await f.triggers.fire(pipeline, f.platform.clock.now())
                got.append(try await kinds())
            }
            #expect(got == steps.map(\.kinds))
            // Died between the runs and the note of them: the causes keep it to one run each.
            let last = try Timestamp(parsing: "2026-03-01T14:30:00Z")
            try await f.platform.database.write { db in try f.service.store.setFired(db, "timed", at: last) }
            try await f.triggers.fire(pipeline, f.platform.clock.now())
            #expect(try await kinds() == ["day", "hour", "hour", "hour"])
        }
    }

    @Test func `a run that a stopped server left is taken up by the next`() async throws {
        for dialect in TestDatabase.dialects {
            try await RunFixture.with(dialect: dialect, isWorking: false) { f in
                try await f.put(
                    """
                    name: long
                    steps:
                      - {name: first, run: /bin/true}
                      - {name: second, run: [/bin/sh, -c, "echo up; sleep 1.57"], needs: [first]}
                      - {name: third, run: /bin/true, needs: [second]}
                    """)
                let run = try await f.service.trigger("long", as: RunFixture.maker)
                try await f.working { try await f.until(run, "second") { $0.state == .running && $1 == "up\n" } }
                let left = try await f.service.run(run.id, as: RunFixture.maker)
                #expect(left.run.state == .running && left.steps.map(\.state) == [.succeeded, .running, .pending])
                #expect(!RunFixture.isRunning("sleep 1.57"))
                // A server that was killed also leaves folders.
                let leftover = f.platform.dataDirectory + "/tmp/steps/x/inputs"
                try FileManager.default.createDirectory(atPath: leftover, withIntermediateDirectories: true)
                let next = RunFixture.make(f.platform)
                try await next.recover()
                #expect(!FileManager.default.fileExists(atPath: leftover))
                try await next.working {
                    let done = try await next.service.wait(for: run.id, timeoutSeconds: 30, as: RunFixture.maker)
                    #expect(done.run.state == .succeeded)
                    #expect(RunFixture.states(done.steps) == "first succeeded 1, second succeeded 2, third succeeded 1")
                }
                // One that was being cancelled is cancelled.
                let other = try await f.service.trigger("long", usesCache: false, as: RunFixture.maker)
                _ = try await f.service.cancel(other.id, as: RunFixture.maker)
                let last = RunFixture.make(f.platform)
                try await last.recover()
                try await last.working {
                    let done = try await last.service.wait(for: other.id, timeoutSeconds: 30, as: RunFixture.maker)
                    #expect(done.run.state == .cancelled)
                }
                let ends = try await f.platform.ledger.events(after: 0, .init(type: "pipeline.run."), limit: 100)
                    .filter { $0.subject == run.ref }.map(\.type)
                #expect(ends == ["pipeline.run.created", "pipeline.run.succeeded"])
            }
        }
    }

    /// Archives by name, made by Python's tarfile; `plain` is fine.
    private static let archives = """
        import io, tarfile, sys
        def add(t, name, kind=tarfile.REGTYPE, data=b"x\\n", link=""):
            i = tarfile.TarInfo(name); i.type = kind; i.linkname = link; i.size = len(data) if kind == tarfile.REGTYPE else 0
            t.addfile(i, io.BytesIO(data) if i.size else None)
        cases = {
            "plain": [("./a.txt",), ("lib/b.txt",), ("d" * 60 + "/" + "e" * 60 + "/" + "f" * 60 + ".txt",), ("a.txt", tarfile.REGTYPE, b"last\\n"), ("empty", tarfile.REGTYPE, b""), ("dir/", tarfile.DIRTYPE)],
            "symlink": [("a", tarfile.SYMTYPE, b"", "/etc/passwd")], "hardlink": [("b", tarfile.LNKTYPE, b"", "a")],
            "device": [("null", tarfile.CHRTYPE)], "fifo": [("f", tarfile.FIFOTYPE)], "dots": [("../../x",)], "inner": [("a/../../x",)],
            "absolute": [("/etc/x",)], "both": [("a",), ("a/b",)],
        }
        for name, members in cases.items():
            for form, f in (("pax", tarfile.PAX_FORMAT), ("gnu", tarfile.GNU_FORMAT)):
                with tarfile.open(f"{sys.argv[1]}/{name}.{form}", "w", format=f) as t:
                    for member in members: add(t, *member)
        """

    @Test func `code comes as a plain archive of plain files`() async throws {
        try await RunFixture.with { f in
            let folder = f.platform.dataDirectory + "/archives"
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            let python = Process()
            python.executableURL = URL(filePath: "/usr/bin/python3")
            python.arguments = ["-c", Self.archives, folder]
            try python.run()
            python.waitUntilExit()
            func put(_ bytes: [UInt8], _ pipeline: String = "c") async throws -> (Int, JSONValue) {
                let answer = await f.application.respond(
                    method: "PUT", target: "/api/v1/pipelines/\(pipeline)/code?project=p",
                    headers: [("host", "localhost")],
                    body: RequestBody(bytes))
                return (answer.status, try JSONValue(parsing: try await answer.collect()))
            }
            func bytes(_ name: String) -> [UInt8] {
                FileManager.default.contents(atPath: "\(folder)/\(name)").map(Array.init) ?? []
            }
            let plain = bytes("plain.pax")
            var wrong: [String] = []
            for name in ["symlink", "hardlink", "device", "fifo", "dots", "inner", "absolute", "both"] {
                for form in ["pax", "gnu"] {
                    let (status, json) = try await put(bytes("\(name).\(form)"))
                    if status != (name == "both" ? 409 : 400) {
                        wrong.append("\(name).\(form): \(status) \(json.canonicalText)")
                    }
                }
            }
            // A header begins at each multiple of 512; the archive ends with blocks of zeros.
            let headers = plain.indices.filter {
                $0 % 512 == 0 && Array(plain[$0...].dropFirst(257).prefix(5)) == Array("ustar".utf8)
            }
            let cuts = [plain.count / 3, 700, 100, 0] + headers
            for cut in cuts {
                let status = try await put(Array(plain.prefix(cut))).0
                if status != 400 { wrong.append("cut at \(cut): \(status)") }
            }
            var bent = plain
            bent[0] ^= 1
            for (name, text) in [
                ("bent", bent), ("text", Array("hello".utf8)), ("zip", Array("PK\u{3}\u{4}".utf8) + bytes("dots.gnu")),
            ] {
                let status = try await put(text).0
                if status != 400 { wrong.append("\(name): \(status)") }
            }
            #expect(wrong == [])
            #expect(try await f.platform.database.read { try $0.exists("SELECT 1 FROM pipeline_code") } == false)
            // Both forms hold the same files, so they are the same code.
            let (status, json) = try await put(plain)
            #expect(status == 200)
            #expect(try await put(bytes("plain.gnu")).1 == json)
            let long =
                "\(String(repeating: "d", count: 60))/\(String(repeating: "e", count: 60))/\(String(repeating: "f", count: 60)).txt"
            try await f.put(
                "name: c\nsteps:\n  - {name: see, run: [/bin/sh, -c, \"cat a.txt \(long); find . -type f | wc -l\"]}\n")
            let (run, steps) = try await f.run("c")
            #expect(steps[0].state == .succeeded)
            #expect(try await f.log(run, "see") == "last\nx\n4\n")
        }
    }
}
