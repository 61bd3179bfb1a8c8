import Access
import Core
import Database
import Datasets
import Foundation
import Ledger
import Platform
import TestSupport
import Testing
import Web

@testable import Pipelines

@Suite struct RunTests {
    @Test func `steps run in the order of the graph, hand on their outputs, and are not run twice`() async throws {
        let yaml = """
            name: graph
            params: {word: hello}
            steps:
              - name: d
                run: [/bin/sh, -c, "cat $SLIPWAY_INPUT_LEFT/x $SLIPWAY_INPUT_RIGHT/sub/y"]
                inputs: {left: steps.b.out, right: steps.c.out}
              - name: b
                run: [/bin/sh, -c, "(cat $SLIPWAY_INPUT_A/x; echo b) > $SLIPWAY_OUTPUT_OUT/x"]
                inputs: {a: steps.a.out}
                outputs: {out: dir}
              - name: c
                run: [/bin/sh, -c, "mkdir $SLIPWAY_OUTPUT_OUT/sub; echo $SLIPWAY_PARAM_WORD c > $SLIPWAY_OUTPUT_OUT/sub/y"]
                inputs: {a: steps.a.out}
                outputs: {out: dir}
                params: [word]
              - name: a
                run: [/bin/sh, -c, "echo a > $SLIPWAY_OUTPUT_OUT/x"]
                outputs: {out: dir}
            """
        for dialect in TestDatabase.dialects {
            try await RunFixture.with(dialect: dialect) { f in
                try await f.put(yaml)
                let first = try await f.run("graph")
                #expect(first.run.state == .succeeded)
                #expect(RunFixture.states(first.steps) == "d succeeded 1, b succeeded 1, c succeeded 1, a succeeded 1")
                #expect(try await f.log(first.run, "d") == "a\nb\nhello c\n")
                let second = try await f.run("graph")
                #expect(second.run.state == .succeeded)
                #expect(RunFixture.states(second.steps) == "d cached 0, b cached 0, c cached 0, a cached 0")
                #expect(second.steps.allSatisfy { $0.cachedFrom == first.run.id })
                // Another value runs what depends on it, and no more.
                let third = try await f.run("graph", ["word": "bye"])
                #expect(RunFixture.states(third.steps) == "d succeeded 1, b cached 0, c succeeded 1, a cached 0")
                #expect(try await f.log(third.run, "d") == "a\nb\nbye c\n")
                let fourth = try await f.run("graph", usesCache: false)
                #expect(fourth.steps.allSatisfy { $0.state == .succeeded && $0.attempt == 1 })
                let types = try await f.platform.ledger.events(after: 0, .init(subject: first.run.ref), limit: 10).map(
                    \.type)
                #expect(types == ["pipeline.run.created", "pipeline.run.succeeded"])
            }
        }
    }

    @Test func `a failure skips what depends on it, after its retries; time-outs and missing outputs are failures`()
        async throws
    {
        let yaml = """
            name: bad
            steps:
              - name: fails
                run: [/bin/sh, -c, "echo to the log; echo and the errors >&2; exit 3"]
                outputs: {out: dir}
                retries: 1
              - name: after
                run: /bin/true
                inputs: {x: steps.fails.out}
              - name: later
                run: /bin/true
                needs: [after]
              - name: alone
                run: /bin/true
              - name: slow
                run: [/bin/sh, -c, "sleep 47.17"]
                timeout_seconds: 1
              - name: empty
                run: /bin/true
                outputs: {table: {dataset: t}}
              - name: lost
                run: /bin/true
                inputs: {d: dataset:nowhere@latest}
            """
        try await RunFixture.with { f in
            try await f.put(yaml)
            let (run, steps) = try await f.run("bad")
            #expect(run.state == .failed)
            #expect(run.problem?.hasPrefix("Step fails: ") == true)
            #expect(
                RunFixture.states(steps)
                    == "fails failed 2, after skipped 0, later skipped 0, alone succeeded 1, slow failed 1, empty failed 1, lost failed 0"
            )
            let problems = Dictionary(uniqueKeysWithValues: steps.map { ($0.step, $0.problem ?? "") })
            let holds = [
                ("fails", "3"), ("after", "did not succeed"), ("slow", "longer than its 1 s"),
                ("empty", "no Parquet file"), ("lost", "dataset:nowhere"),
            ]
            #expect(
                holds.filter { problems[$0.0]?.contains($0.1) != true }.map { "\($0.0): \(problems[$0.0] ?? "")" } == []
            )
            let attempt = "to the log\nand the errors\n[slipway] The command ended with exit code 3.\n"
            #expect(try await f.log(run, "fails") == attempt + attempt)
            #expect(!RunFixture.isRunning("sleep 47.17"))
            // What failed is tried again by the next run, what succeeded is not.
            let again = try await f.run("bad")
            #expect(
                again.steps.map(\.state.rawValue) == [
                    "failed", "skipped", "skipped", "cached", "failed", "failed", "failed",
                ])
        }
    }

    @Test func `cancelling kills the jobs, also of steps that wait for their turn`() async throws {
        let yaml = """
            name: long
            steps:
              - {name: one, run: [/bin/sh, -c, "echo up; sleep 53.17 & sleep 53.17"]}
              - {name: two, run: [/bin/sh, -c, "echo up; while true; do sleep 54.17; done"]}
              - {name: three, run: /bin/true}
              - {name: four, run: /bin/true, needs: [one]}
            """
        try await RunFixture.with { f in
            try await f.put(yaml)
            let run = try await f.service.trigger("long", as: RunFixture.maker)
            try await f.until(run, "one") { $1 == "up\n" }
            try await f.until(run, "two") { $1 == "up\n" }
            // Another run waits behind the two; it ends at once when it is cancelled.
            try await f.put("name: short\nsteps:\n  - {name: only, run: /bin/true}\n")
            let waiting = try await f.service.trigger("short", as: RunFixture.maker)
            _ = try await f.service.cancel(waiting.id, as: RunFixture.maker)
            let ended = try await f.service.wait(for: waiting.id, timeoutSeconds: 5, as: RunFixture.maker)
            #expect(ended.run.state == .cancelled)
            _ = try await f.service.cancel(run.id, as: RunFixture.maker)
            let (done, steps) = try await f.service.wait(for: run.id, timeoutSeconds: 30, as: RunFixture.maker)
            #expect(done.state == .cancelled)
            #expect(steps.map(\.state) == [.cancelled, .cancelled, .cancelled, .cancelled])
            #expect(!RunFixture.isRunning("sleep 53.17") && !RunFixture.isRunning("sleep 54.17"))
            await #expect(throws: SlipwayError.self) { try await f.service.cancel(run.id, as: RunFixture.maker) }
            let work =
                (try? FileManager.default.contentsOfDirectory(atPath: f.platform.dataDirectory + "/tmp/steps")) ?? []
            #expect(work == [])
        }
    }

    @Test func `a dataset that a step wrote is a version with its lineage`() async throws {
        let yaml = """
            name: copy
            steps:
              - name: copy
                run: [/bin/sh, -c, "cp $SLIPWAY_INPUT_DATA/*.parquet $SLIPWAY_OUTPUT_TABLE/"]
                inputs: {data: dataset:sales@latest}
                outputs: {table: {dataset: copied}}
              - name: part
                run: [/bin/sh, -c, "ls $SLIPWAY_INPUT_PART"]
                inputs: {part: slice:some}
                needs: [copy]
            """
        try await RunFixture.with { f in
            _ = try await f.append("sales", "n,t\n1,a\n2,b\n")
            _ = try await f.append("sales", "n,t\n3,c\n")
            _ = try await f.datasets.createSlice(
                name: "some", over: Ref(.dataset, "sales"), rule: .condition("n > 1"), as: RunFixture.maker)
            try await f.put(yaml)
            let (run, steps) = try await f.run("copy")
            #expect(RunFixture.states(steps) == "copy succeeded 1, part succeeded 1")
            let version = try await f.datasets.resolve(Ref(.dataset, "copied"), as: RunFixture.maker)
            #expect(version.rowCount == 3 && version.recipe.kind == "step" && version.author == "pipeline-p")
            #expect(steps[0].outputs["table"]?.ref == version.ref)
            let edges = try await f.platform.ledger.lineage(of: version.ref, .upstream)
            let names = Set(edges.map { "\($0.source) > \($0.target)" }.filter { !$0.hasPrefix("file:") })
            let wanted = [
                "dataset:sales@2 > \(run.ref)", "\(run.ref) > \(version.ref)", "dataset:sales@2 > \(version.ref)",
                "pipeline:copy@1 > \(run.ref)",
            ]
            #expect(names.isSuperset(of: wanted))
            // Made again, it is the same; with new rows the step runs and makes the next.
            _ = try await f.run("copy", usesCache: false)
            #expect(try await f.datasets.resolve(Ref(.dataset, "copied"), as: RunFixture.maker).number == 1)
            _ = try await f.append("sales", "n,t\n4,d\n")
            let more = try await f.run("copy")
            #expect(more.steps.map(\.state) == [.succeeded, .succeeded])
            #expect(try await f.datasets.resolve(Ref(.dataset, "copied"), as: RunFixture.maker).rowCount == 4)
        }
    }

    @Test func `a step sees its code and inputs, no server but by its wish, and has a token that ends with it`()
        async throws
    {
        try await RunFixture.with { f in
            let listener = Process()
            listener.executableURL = URL(filePath: "/usr/bin/python3")
            listener.arguments = [
                "-u", "-c",
                "import socket\ns = socket.create_server(('127.0.0.1', 0))\nprint(s.getsockname()[1])\nwhile True: s.accept()",
            ]
            let output = Pipe()
            listener.standardOutput = output
            try listener.run()
            defer { kill(listener.processIdentifier, SIGKILL) }
            let greeting = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
            let port = try #require(Int(greeting.filter(\.isNumber)))
            let reach = "import socket; print(socket.socket().connect_ex(('127.0.0.1', \(port))))"
            let data = f.platform.dataDirectory
            _ = try await f.service.putCode(
                "sandbox", project: "p", files: [(try RelativePath(parsing: "lib/code.txt"), Array("the code\n".utf8))],
                as: RunFixture.maker)
            try await f.put(
                """
                name: sandbox
                steps:
                  - {name: closed, run: [/usr/bin/python3, -c, "\(reach)"]}
                  - {name: opened, run: [/usr/bin/python3, -c, "\(reach)"], network: true}
                  - {name: code, run: [/bin/sh, -c, "cat lib/code.txt; echo x > lib/code.txt || echo read-only; ls \(data) || echo hidden; cat /proc/1/environ >/dev/null; echo $HOME > $HOME/f && echo home"]}
                  - {name: token, run: [/bin/sh, -c, "echo $SLIPWAY_TOKEN; sleep 3"], needs: [closed, opened, code]}
                """)
            let run = try await f.service.trigger("sandbox", as: RunFixture.maker)
            try await f.until(run, "token") { $1.hasPrefix("slw_") && $1.hasSuffix("\n") }
            let token = "Bearer " + (try await f.log(run, "token")).filter { !$0.isNewline }
            let principal = try await f.platform.access.authenticate(
                Credentials(authorization: token, peerIsLoopback: true))
            let expires = try #require(principal.expires, "what the step hands on ends with it")
            #expect(principal == Principal(name: "pipeline-p", role: nil, grants: ["p": .mlEngineer], expires: expires))
            let (_, steps) = try await f.service.wait(for: run.id, timeoutSeconds: 30, as: RunFixture.maker)
            #expect(
                RunFixture.states(steps)
                    == "closed succeeded 1, opened succeeded 1, code succeeded 1, token succeeded 1")
            #expect(
                try await f.log(run, "closed") == "111\n",
                "connection refused: nothing listens on the loopback of the sandbox")
            #expect(try await f.log(run, "opened") == "0\n")
            let seen = try await f.log(run, "code")
            #expect(
                seen.contains("the code") && seen.contains("read-only") && seen.contains("hidden")
                    && seen.contains("home"))
            await #expect(throws: SlipwayError.self) {
                try await f.platform.access.authenticate(Credentials(authorization: token, peerIsLoopback: true))
            }
        }
    }
}
