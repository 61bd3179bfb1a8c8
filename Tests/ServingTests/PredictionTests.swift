import Core
import Database
import Inference
import Ledger
import Platform
import Registry
import TestSupport
import Testing
import Web

@testable import Serving

@Suite struct PredictionTests {
    private static func day(_ number: Int) -> Timestamp { Timestamp(milliseconds: Int64(number) * 86_400_000) }

    /// What is asked is found again, by time, with the columns that the signature names.
    @Test func log() async throws {
        try await Fixture.each { fixture in
            let names =
                #"[{"type": "float", "name": "price"}, {"type": "float", "name": "size"}, {"type": "float", "name": "age"}]"#
            try await fixture.register(Fixture.onnx("missing"), signature: names)
            try await fixture.champion(1)
            try await fixture.shop()
            var ids: [String] = []
            for number in 1...5 {
                var call = InferenceCall(
                    name: "shop",
                    inputs: [Tensor(name: "x", shape: [1, 3], values: .fp32([Float(number), .nan, 0.5]))],
                    requestID: "r\(number)")
                call.time = Self.day(number)
                ids.append(try await fixture.serving.infer(call, as: Fixture.engineer).predictionID ?? "-")
            }
            let one = try await fixture.serving.prediction(ids[1], as: Fixture.viewer)
            #expect(
                one.inputs == ["x": ["columns": ["price", "size", "age"], "data": [2, "NaN", 0.5], "shape": [1, 3]]]
                    || one.inputs == [
                        "x": ["columns": ["price", "size", "age"], "data": [2.0, "NaN", 0.5], "shape": [1, 3]]
                    ])
            #expect(one.time == Self.day(2) && one.requestID == "r2" && one.principal == "bob" && one.rowCount == 1)
            #expect(one.outputs["variable"]?.arrayValue?.count == 1)

            let page = try await fixture.serving.predictions(
                of: "shop", from: Self.day(2), to: Self.day(5), PageRequest(limit: 2), as: Fixture.viewer)
            let rest = try await fixture.serving.predictions(
                of: "shop", from: Self.day(2), to: Self.day(5), PageRequest(limit: 2, after: page.next),
                as: Fixture.viewer)
            #expect((page.items + rest.items).map(\.id) == [ids[3], ids[2], ids[1]] && rest.next == nil)

            var walked: [String] = []
            try await fixture.serving.walk("shop", from: Self.day(2), batch: 2, as: Fixture.viewer) {
                walked += $0.map(\.id)
            }
            #expect(walked == Array(ids[1...]))
            #expect(
                await code { _ = try await fixture.serving.prediction(ids[0], as: Fixture.stranger) } == .forbidden)

            // Names that contradict the signature are a mistake, not another order.
            var call = InferenceCall(
                name: "shop", inputs: [Tensor(name: "x", shape: [1, 3], values: .fp32([1, 2, 3]))], requestID: "r")
            call.columns = ["size", "price", "age"]
            #expect(await code { _ = try await fixture.serving.infer(call, as: Fixture.engineer) } == .invalid)
        }
    }

    @Test func ratesAndModes() async throws {
        try await Fixture.each { fixture in
            try await fixture.register(Fixture.affine(2))
            try await fixture.champion(1)
            func count() async throws -> Int64? {
                try await fixture.platform.database.read { db in
                    try db.one("SELECT count(*) FROM prediction") { try $0.int(0) }
                }
            }
            try await fixture.shop { $0.logRate = 0 }
            let unlogged = try await fixture.ask()
            try await fixture.shop { $0.log = .sync }
            let logged = try await fixture.ask()
            // Written before the answer: it is there without asking the log to hurry.
            #expect(try await count() == 1)
            #expect(unlogged.predictionID == nil && logged.predictionID != nil)
            try await fixture.shop { $0.logRate = 0.5 }
            for _ in 0..<200 { _ = try await fixture.ask() }
            await fixture.serving.log.drain()
            // 200 draws at 1/2: outside 50…150 once in 10^12.
            #expect(try (51...151).contains(#require(try await count())))
        }
    }

    /// Many more predictions than the buffer holds, from many callers: all are written.
    @Test func fullBuffer() async throws {
        try await Fixture.each { fixture in
            try await fixture.register(Fixture.affine(2))
            try await fixture.champion(1)
            try await fixture.shop()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<16 {
                    group.addTask { for _ in 0..<700 { _ = try await fixture.ask() } }
                }
                try await group.waitForAll()
            }
            var count = 0
            try await fixture.serving.walk("shop", batch: 1000, as: .system) { count += $0.count }
            #expect(count == 11_200 && fixture.serving.log.pending == 0)
        }
    }

    /// While the database refuses, answers go on and their predictions wait; afterwards all are written.
    @Test func aDatabaseThatRefuses() async throws {
        try await Fixture.each { fixture in
            try await fixture.register(Fixture.affine(2))
            try await fixture.champion(1)
            try await fixture.shop()
            let database = fixture.platform.database
            let writer = Task { await fixture.serving.log.runUntilCancelled() }
            try await database.write { db in try db.execute("ALTER TABLE prediction RENAME TO away") }
            for _ in 0..<3 { _ = try await fixture.ask() }
            await fixture.serving.log.drain()
            #expect(fixture.serving.log.pending == 3)
            try await fixture.shop { $0.log = .sync }
            #expect(await code { _ = try await fixture.ask() } != nil)
            try await database.write { db in try db.execute("ALTER TABLE away RENAME TO prediction") }
            // The background writes without being asked to.
            try await Fixture.until("all are written") { fixture.serving.log.pending == 0 }
            writer.cancel()
            await writer.value
            #expect(
                try await fixture.serving.predictions(of: "shop", PageRequest(), as: Fixture.viewer).items.count == 3)
        }
    }

    @Test func feedback() async throws {
        try await Fixture.each { fixture in
            try await fixture.register(Fixture.affine(2))
            try await fixture.champion(1)
            try await fixture.shop()
            let id = try await fixture.ask("shop", [1, 2, 3], time: Self.day(1)).predictionID ?? "-"
            let other = try await fixture.ask("shop", [1], time: Self.day(2)).predictionID ?? "-"
            func told(_ row: Int, _ value: JSONValue, _ id: String = id) -> Feedback {
                Feedback(predictionID: id, row: row, value: value, time: Self.day(1))
            }
            try await fixture.serving.tell([told(0, 3), told(2, "seven")], as: Fixture.engineer)
            try await fixture.serving.tell([told(2, "eight")], as: Fixture.engineer)
            let refused = [
                await code { try await fixture.serving.tell([told(1, 1), told(3, 1)], as: Fixture.engineer) },
                await code { try await fixture.serving.tell([told(1, 1), told(0, 1, "none")], as: Fixture.engineer) },
                await code { try await fixture.serving.tell([told(1, 1)], as: Fixture.viewer) },
                await code { try await fixture.serving.tell([told(1, 1)], as: Fixture.stranger) },
            ]
            #expect(refused == [.invalid, .notFound, .forbidden, .forbidden])
            // All items or none: nothing of what was refused is there.
            var judged: [[Feedback]] = []
            try await fixture.serving.walkJudged("shop", as: Fixture.viewer) { judged += $0.map(\.feedback) }
            #expect(judged == [[told(0, 3), told(2, "eight")], []])
            #expect(try await fixture.serving.feedback(predictionIDs: [other, id], as: Fixture.viewer).count == 2)
            #expect(try await fixture.serving.feedback(predictionIDs: [id], as: Fixture.stranger) == [])
        }
    }

    /// A prediction leads on to its version, the run that made it, and what that was made from.
    @Test func lineage() async throws {
        try await Fixture.each { fixture in
            let version = try await fixture.register(Fixture.affine(2))
            try await fixture.champion(1)
            try await fixture.shop()
            let id = try await fixture.ask().predictionID ?? "-"
            let edges = try await fixture.platform.ledger.lineage(
                of: Ref(.prediction, id), .upstream, sources: fixture.feature.lineage)
            #expect(
                edges.first == LineageEdge(source: version.ref, target: Ref(.prediction, id), relation: "predicted-by"))
            #expect(edges.contains { $0.source.kind == .run })
        }
    }

    @Test func tensorTexts() throws {
        let cases: [([Tensor], String)] = [
            ([Tensor(name: "a", shape: [2], values: .fp32([0.1, .infinity]))], #"{"a":[0.1,"Infinity"]}"#),
            ([Tensor(name: "a", shape: [2, 1], values: .int64([1, -2]))], #"{"a":[1,-2]}"#),
            ([Tensor(name: "a", shape: [], values: .bool([true]))], #"{"a":[true]}"#),
            (
                [Tensor(name: "p", shape: [1, 2], values: .fp16([0x3C00, 0x0001]), labels: ["no", "yes"])],
                #"{"p":{"columns":["no","yes"],"data":[1.0,5.9604645e-08],"shape":[1,2]}}"#
            ),
            (
                [
                    Tensor(name: "a", shape: [0, 2], values: .bytes([])),
                    Tensor(name: "b", shape: [1], values: .bytes(["\"x\""])),
                ],
                #"{"a":{"data":[],"shape":[0,2]},"b":["\"x\""]}"#
            ),
        ]
        #expect(cases.map { TensorText.object($0.0) } == cases.map(\.1))
    }
}
