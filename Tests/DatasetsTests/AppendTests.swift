import Core
import Database
import Ledger
import Platform
import TestSupport
import Testing
import Web

@testable import Datasets

@Suite struct AppendTests {
    private static let first = "day,store,units\n2017-01-01,a,3\n2017-01-02,b,\n"

    @Test func `rows are added as a version, cast to what is there, once a key`() async throws {
        for dialect in TestDatabase.dialects {
            try await Fixture.with(dialect: dialect) { f in
                let made = try await f.append("sales", Self.first.utf8, query: "&message=first")
                #expect(made.status == 201)
                #expect(Fixture.columns(made.json) == "day DATE,store VARCHAR,units BIGINT")
                // The order of columns is the dataset's; text is cast.
                let second = try await f.append(
                    "sales", #"{"units": "7", "day": "2017-01-03", "store": 5}"#.utf8, type: "application/x-ndjson",
                    query: "&key=k1")
                #expect(
                    second.status == 201 && second.json["version"] == 2 && second.json["rows"] == 3
                        && second.json["files"] == 2)
                #expect(try await f.rows("sales") == "2017-01-01,a,3;2017-01-02,b,null;2017-01-03,5,7")
                // The same key again changes nothing, whatever comes with it.
                let again = try await f.append("sales", Self.first.utf8, query: "&key=k1")
                #expect(again.status == 200 && again.json["version"] == 2 && again.json["unchanged"] == true)
                // What a version holds can be sent again as Parquet; parameters of the type and its case do not matter.
                let part = await f.application.respond(
                    method: "GET", target: "/api/v1/datasets/sales/versions/1/files/part-00000.parquet",
                    headers: [("host", "localhost")], body: .init())
                let third = try await f.append(
                    "sales", try await part.collect(), type: "Application/vnd.apache.parquet; x=y", query: "&key=k2")
                #expect(third.status == 201 && third.json["rows"] == 5)
                #expect(third.json["unchanged"] == false)
                let lineage = try await f.platform.ledger.lineage(
                    of: Ref(.dataset, "sales", version: 3), .upstream, depth: 1)
                #expect(
                    Set(lineage.map { "\($0.source.kind.rawValue) \($0.relation)" }) == [
                        "dataset append", "file append",
                    ])
                #expect(try await f.platform.ledger.verify().firstFault == nil)
            }
        }
    }

    @Test func `what does not fit is refused by name, and leaves nothing`() async throws {
        try await Fixture.with { f in
            _ = try await f.append("sales", Self.first.utf8)
            let parquet = try await f.append("copy", Self.first.utf8)
            #expect(parquet.status == 201)
            let part = await f.application.respond(
                method: "GET", target: "/api/v1/datasets/copy/versions/1/files/part-00000.parquet",
                headers: [("host", "localhost")], body: .init())
            let bytes = try await part.collect()
            let before = try await f.traces()
            let mixed = Array("name,units\ncaf\u{e9},1\n".utf8) + [0x63, 0xe9, 0x2c, 0x32, 0x0a]
            let pq = "application/vnd.apache.parquet"
            expectAnswers([
                (
                    "missing column", 400, "units are missing",
                    try await f.append("sales", "day,store\n2017-01-01,a\n".utf8)
                ),
                (
                    "unknown column", 400, "extra are not known",
                    try await f.append("sales", "day,store,units,extra\n2017-01-01,a,1,2\n".utf8)
                ),
                ("both", 400, "Expected the columns day, store, units", try await f.append("sales", "a,b\n1,2\n".utf8)),
                ("bad value", 400, "units", try await f.append("sales", "day,store,units\n2017-01-01,a,many\n".utf8)),
                ("bad date", 400, "2017-02-31", try await f.append("sales", "day,store,units\n2017-02-31,a,1\n".utf8)),
                ("no type", 400, "Content-Type", try await f.append("sales", Self.first.utf8, type: "text/plain")),
                ("empty", 400, "empty", try await f.append("sales", [UInt8]())),
                ("empty for a new one", 400, "empty", try await f.append("new", [UInt8]())),
                ("truncated", 400, "is cut off", try await f.append("sales", bytes.dropLast(100), type: pq)),
                (
                    "cut in the middle", 400, "is cut off",
                    try await f.append("sales", bytes.prefix(bytes.count / 2), type: pq)
                ),
                ("not Parquet", 400, "looks like text", try await f.append("sales", Self.first.utf8, type: pq)),
                ("only the magic", 400, "", try await f.append("new", Array("PAR1PAR1".utf8), type: pq)),
                (
                    "broken JSON", 400, "Malformed JSON",
                    try await f.append("new", #"{"a": 1}{"a": "#.utf8, type: "application/x-ndjson")
                ),
                (
                    "no objects", 400, "Malformed JSON",
                    try await f.append("new", "[1, 2".utf8, type: "application/x-ndjson")
                ),
                ("mixed encodings", 400, "UTF-8", try await f.append("new", mixed)),
                (
                    "unknown encoding", 400, "encoding",
                    try await f.append("new", Self.first.utf8, query: "&encoding=ebcdic")
                ),
                ("bad name", 400, "dataset", try await f.append("..%2Fx", Self.first.utf8)),
                (
                    "another's dataset", 409, "belongs to",
                    try await f.ask(
                        "POST", "/datasets/sales/derive", ["sql": "SELECT 1 a", "inputs": [:], "project": "q"])
                ),
                (
                    "no project", 404, "project:nowhere",
                    try await f.ask(
                        "POST", "/datasets/x/derive", ["sql": "SELECT 1 a", "inputs": [:], "project": "nowhere"])
                ),
            ])
            #expect(try await f.traces() == before)
            #expect(try await f.rows("sales") == "2017-01-01,a,3;2017-01-02,b,null")
            let latin = try await f.append("latin", [0x6e, 0x0a, 0x63, 0xe9, 0x0a], query: "&encoding=latin-1")
            #expect(latin.status == 201)
            #expect(try await f.rows("latin") == "cé")
        }
    }

    @Test func `appends at the same time lose nothing, and one key counts once`() async throws {
        for dialect in TestDatabase.dialects {
            try await Fixture.with(dialect: dialect) { f in
                let answers = try await withThrowingTaskGroup(of: (Int, Int).self) { group in
                    for number in 0..<4 {
                        group.addTask {
                            let answer = try await f.append("log", "n\n\(number)\n".utf8)
                            return (answer.status, Int(answer.json["version"]?.intValue ?? -1))
                        }
                        if number == 3 { continue }
                        group.addTask {
                            let answer = try await f.append("log", "n\n100\n".utf8, query: "&key=same")
                            return (answer.status, 1000 + Int(answer.json["version"]?.intValue ?? -1))
                        }
                    }
                    return try await group.reduce(into: []) { $0.append($1) }
                }
                #expect(answers.filter { $0.0 >= 300 }.isEmpty)
                #expect(Set(answers.map(\.1).filter { $0 < 1000 }).count == 4)
                #expect(Set(answers.map(\.1).filter { $0 >= 1000 }).count == 1)
                let rows = try await f.rows("log", "latest", "&order=n").split(separator: ";").map(String.init)
                #expect(rows == ["0", "1", "2", "3", "100"])
                #expect(try await f.get("GET", "/datasets/log")["latest"] == 5)
            }
        }
    }
}
