import Core
import Database
import Foundation
import Objects
import Platform
import TestSupport
import Testing
import Web

@testable import Datasets

@Suite struct EventsTests {
    /// One event as a client sends it.
    static func event(_ id: String, _ row: JSONValue, time: String? = nil) -> JSONValue {
        var event: [String: JSONValue] = ["id": .string(id), "row": row]
        if let time { event["time"] = .string(time) }
        return .object(event)
    }

    static func push(_ f: Fixture, _ events: [JSONValue], to dataset: String = "clicks", query: String = "")
        async throws -> (status: Int, json: JSONValue)
    {
        try await f.ask("POST", "/datasets/\(dataset)/events?project=p\(query)", ["events": .array(events)])
    }

    @Test func `events become rows in order, each id once, also after the process that took them is gone`() async throws
    {
        for dialect in TestDatabase.dialects {
            try await Fixture.with(dialect: dialect) { f in
                let first = try await Self.push(
                    f,
                    [
                        Self.event("a", ["n": 1, "t": "2026-01-31T12:00:00Z"], time: "2026-01-01T00:00:00Z"),
                        Self.event("b", ["n": 2]), Self.event("a", ["n": 9]),
                    ])
                #expect(first.json == ["accepted": 2, "known": 1])
                let waiting = try await f.get("GET", "/datasets/clicks/events")
                #expect([waiting["waiting"], waiting["accepted"], waiting["rows"]] == [2, 2, 10000])
                // Another process takes the buffer over.
                let heir = DatasetsService(f.platform)
                try await heir.recoverEvents()
                let running = Task { await heir.events.run(heir.flushInBackground) }
                while try await f.get("GET", "/datasets/clicks")["latest"] != 1 {
                    try await Task.sleep(for: .milliseconds(20))
                }
                // What waits when it is told to stop becomes a version.
                _ = try await heir.push(
                    PushedEvent.batch(parsing: Array(#"{"events":[{"id":"c","row":{"n":3}}]}"#.utf8)), to: "clicks",
                    project: "p", branch: "main", as: .system)
                running.cancel()
                await running.value
                #expect(try await Self.push(f, [Self.event("b", ["n": 2])]).json == ["accepted": 0, "known": 1])
                #expect(
                    try await f.rows("clicks", "latest", "&columns=event_id,n,t")
                        == "a,1,2026-01-31T12:00:00Z;b,2,null;c,3,null")
                let made = try await f.get("GET", "/datasets/clicks/versions/1")
                #expect(
                    Fixture.columns(made) == "event_id VARCHAR,event_time TIMESTAMP,n BIGINT,t TIMESTAMP")
                #expect(made["recipe"]?["details"]?["events"] == ["first": 1, "last": 2])
                #expect(try await f.get("GET", "/datasets/clicks")["key"] == ["event_id"])
            }
        }
    }

    @Test func `a batch with one event that does not fit changes nothing`() async throws {
        try await Fixture.with { f in
            _ = try await f.append("sales", "day,n,price,open,t\n2026-01-01,1,2.5,true,x\n".utf8)
            let before = try await f.traces()
            func post(_ text: String, _ query: String = "") async throws -> (status: Int, json: JSONValue) {
                let answer = await f.application.respond(
                    method: "POST", target: "/api/v1/datasets/sales/events?project=p\(query)",
                    headers: [("host", "localhost")], body: RequestBody(Array(text.utf8)))
                return (answer.status, try JSONValue(parsing: try await answer.collect()))
            }
            func row(_ row: String) async throws -> (status: Int, json: JSONValue) {
                try await post(#"{"events":[{"id":"good","row":{"n":1}},{"id":"x","row":\#(row)}]}"#)
            }
            expectAnswers([
                ("no JSON", 400, "JSON", try await post("{")), ("no events", 400, "events", try await post("{}")),
                ("twice", 400, "once", try await post(#"{"events":[],"events":[]}"#)),
                ("no id", 400, "events[0].id", try await post(#"{"events":[{"row":{"n":1}}]}"#)),
                ("empty id", 400, "events[0].id", try await post(#"{"events":[{"id":"","row":{"n":1}}]}"#)),
                ("no row", 400, "events[0].row", try await post(#"{"events":[{"id":"a"}]}"#)),
                ("empty row", 400, "events[0].row", try await post(#"{"events":[{"id":"a","row":{}}]}"#)),
                ("list", 400, "events[0]", try await post(#"{"events":[[1]]}"#)),
                (
                    "time", 400, "events[0].time",
                    try await post(#"{"events":[{"id":"a","time":"noon","row":{"n":1}}]}"#)
                ),
                ("field", 400, "events[0].at", try await post(#"{"events":[{"id":"a","at":1,"row":{"n":1}}]}"#)),
                ("unknown column", 400, "events[1].row.m", try await row(#"{"m":1}"#)),
                ("case", 400, "events[1].row.N", try await row(#"{"N":1}"#)),
                ("own id column", 400, "event_id", try await row(#"{"event_id":1}"#)),
                ("column twice", 400, "twice", try await row(#"{"n":1,"n":2}"#)),
                ("text for a number", 400, "whole number", try await row(#"{"n":"1"}"#)),
                ("fraction", 400, "whole number", try await row(#"{"n":1.5}"#)),
                ("not a number", 400, "finite", try await row(#"{"price":NaN}"#)),
                ("number for a day", 400, "RFC 3339", try await row(#"{"day":20260101}"#)),
                ("no day", 400, "RFC 3339", try await row(#"{"day":"2026-13-01"}"#)),
                ("text for a flag", 400, "true or false", try await row(#"{"open":"yes"}"#)),
                ("list for text", 400, "expected text", try await row(#"{"t":[1]}"#)),
                ("branch", 404, "branch", try await post(#"{"events":[{"id":"a","row":{"n":1}}]}"#, "&branch=b")),
            ])
            #expect(try await f.traces() == before)
            #expect(try await f.get("GET", "/datasets/sales/events")["waiting"] == 0)
            // Of the columns that there are, some may be left out; the types are the dataset's.
            let good = try await row(#"{"price": 3, "t": "2026-01-01T00:00:00+00:00", "day": "2026-02-01"}"#)
            #expect(good.json == ["accepted": 2, "known": 0])
            _ = try await f.get("POST", "/datasets/sales/events/flush")
            #expect(
                try await f.rows("sales")
                    == "2026-01-01,1,2.5,true,x;null,1,null,null,null;2026-02-01,null,3.0,null,2026-01-01T00:00:00+00:00"
            )
        }
    }

    @Test func `a new column stops, is taken on or is dropped, and a value out of range costs its row`() async throws {
        try await Fixture.with { f in
            _ = try await f.append("s", "n\n1\n".utf8)
            func set(_ choice: String) async throws {
                _ = try await f.get("PUT", "/datasets/s/events?project=p", ["onChange": .string(choice)])
            }
            func flush() async throws -> JSONValue { try await f.get("POST", "/datasets/s/events/flush") }
            let extra = Self.event("a", ["n": 2, "more": ["k": [1, 2]]])
            #expect(try await Self.push(f, [extra], to: "s").status == 400)
            try await set("ignore")
            #expect(try await Self.push(f, [extra], to: "s").status == 202)
            #expect(Fixture.columns(try await flush()) == "n BIGINT")
            try await set("evolve")
            #expect(
                try await Self.push(f, [Self.event("b", ["n": 3, "more": ["k": [1, 2]]])], to: "s").status == 202)
            #expect(Fixture.columns(try await flush()) == "n BIGINT,more STRUCT(k BIGINT[])")
            #expect(try await f.rows("s") == #"1,null;2,null;3,{"k":[1,2]}"#)

            let tiny = try await f.get(
                "POST", "/datasets/tiny/derive",
                ["sql": "SELECT 1::TINYINT AS n, 'x' AS t", "inputs": [:], "project": "p"])
            #expect(tiny["version"] == 1)
            _ = try await Self.push(
                f, [Self.event("a", ["n": 2]), Self.event("b", ["n": 300, "t": "kept"]), Self.event("c", ["n": 3])],
                to: "tiny")
            let made = try await f.get("POST", "/datasets/tiny/events/flush")
            #expect(try await f.rows("tiny") == "1,x;2,null;3,null")
            let rejected = made["recipe"]?["details"]?["rejected"]
            #expect(rejected?["rows"] == 1 && made["message"] == "2 events, 1 rejected")
            let object = try Digest(parsing: rejected?["object"]?.stringValue ?? "")
            #expect(try await f.platform.objects.info(object) != nil)
            #expect(
                try await f.platform.database.read {
                    try $0.exists("SELECT 1 FROM object_manifest_entry WHERE digest = \(object)")
                })
        }
    }

    @Test func `many versions keep few files, and the rows stay in order`() async throws {
        // The rule by itself: a version a second for a day, each of 10,000 bytes.
        var files: [Int64] = []
        var (most, rewritten): (Int, Int64) = (0, 0)
        for _ in 0..<86_400 {
            files.append(10_000)
            let count = Compaction.tail(files)
            if count > 0 {
                let merged = files.suffix(count).reduce(0, +)
                rewritten += merged
                files = files.dropLast(count) + [merged]
            }
            most = max(most, files.count { $0 < Compaction.sealedBytes })
        }
        #expect(files.reduce(0, +) == 864_000_000)
        #expect(most <= 7 + 13)
        #expect(rewritten < 864_000_000 * 14)

        try await Fixture.with { f in
            for version in 0..<40 {
                _ = try await Self.push(
                    f, (0..<5).map { Self.event("\(version)-\($0)", ["n": .int(Int64(version * 5 + $0))]) })
                _ = try await f.get("POST", "/datasets/clicks/events/flush")
            }
            let newest = try await f.get("GET", "/datasets/clicks/versions/latest")
            #expect(newest["rows"] == 200 && newest["version"] == 40)
            #expect((newest["files"]?.intValue ?? 99) < 12)
            let numbers = try await f.rows("clicks", "latest", "&columns=n").split(separator: ";").map(String.init)
            #expect(numbers == (0..<200).map(String.init))
            // Older versions keep what they had.
            #expect(try await f.rows("clicks", "3", "&columns=n").split(separator: ";").count == 15)
        }
    }
}

@Suite struct EventFlusherTests {
    @Test func `what arrives while the database is asked is not forgotten`() async throws {
        let flusher = EventFlusher(clock: .system)
        let stream = EventStream(dataset: "d", branch: "main", flushSeconds: 0.05)
        let now = Clock.system.now()
        flusher.noteArrival(stream, events: 2, at: now)
        let arrival = flusher.arrival(of: stream.key)
        // The database is asked here, and finds nothing; then more comes.
        flusher.noteArrival(stream, events: 1, at: now)
        flusher.note(EventBacklog(), of: stream, after: arrival, problem: nil)
        #expect(flusher.state(of: stream.key).events == 1)
        flusher.note(EventBacklog(), of: stream, after: flusher.arrival(of: stream.key), problem: nil)
        #expect(flusher.state(of: stream.key).events == 0)
    }
}
