import Core
import Objects
import Platform
import Tables
import TestSupport
import Testing
import Web

@testable import Datasets

/// Looking at versions and slices through the routes.
@Suite struct ViewTests {
    /// Rows `first ..< end`: a day every 12 hours, a store, units, and a price that is missing now and then.
    private static func sales(_ rows: Range<Int>) -> String {
        "at,store,units,price\n"
            + rows.map { n in
                let hour = n % 2 == 0 ? "00" : "12"
                return
                    "2017-01-\(n / 2 < 9 ? "0" : "")\(n / 2 + 1) \(hour):00:00,\(["Aarau", "Bern", "Chur"][n % 3]),\(n % 5),\(n % 7 == 0 ? "" : String(Double(n) / 4))"
            }.joined(separator: "\n") + "\n"
    }

    /// Numbers, whole ones and NULLs too.
    private static func numbers(_ list: JSONValue?) -> [Double] { list?.arrayValue?.compactMap(\.doubleValue) ?? [] }

    /// Three versions of one file, two and three.
    private func sales(_ f: Fixture) async throws {
        for rows in [0..<20, 20..<21, 21..<40] { _ = try await f.append("sales", Self.sales(rows).utf8) }
    }

    @Test func `rows are searched, begun anywhere and paged back, in a version and in a slice`() async throws {
        try await Fixture.with { f in
            try await sales(f)
            _ = try await f.get(
                "POST", "/slices", ["name": "east", "over": "dataset:sales", "where": "store <> 'Bern'"])
            _ = try await f.get("POST", "/slices", ["name": "odd", "over": "slice:east", "where": "units % 2 = 1"])
            let base = "/datasets/sales/versions/latest/rows?columns=units,store"
            let last = try await f.get("GET", base + "&at=37&limit=5")
            #expect(Fixture.text(last) == "2,Bern;3,Chur;4,Aarau")
            #expect(last["total"] == 40 && last["position"] == 37 && last["next"] == nil)
            let previous = try #require(last["previous"]?.stringValue)
            #expect(
                Fixture.text(try await f.get("GET", base + "&limit=2&before=\(previous)")) == "0,Chur;1,Aarau")
            let found = try await f.get("GET", base + "&search=ER&order=units%20DESC,at&limit=3")
            #expect(Fixture.text(found) == "4,Bern;4,Bern;4,Bern" && found["truncated"] == true)
            #expect(found["rowNumbers"] == [4, 19, 34])
            for place in ["&at=4", "&after=\(found["next"]?.stringValue ?? "")"] {
                let page = try await f.get("GET", base + "&search=ER&order=units%20DESC,at&limit=2\(place)")
                #expect(page["rowNumbers"] == (place == "&at=4" ? [28, 7] : [13, 28]))
            }
            // 27 rows are not of Bern, 11 of them have odd units: five ones, six threes.
            let slice = try await f.get("GET", "/slices/odd/rows?columns=units&at=8&order=units&limit=9")
            #expect(Fixture.text(slice) == "3;3;3" && slice["total"] == 11)
            let all = try await f.get("GET", "/slices/odd/rows?columns=units&order=at")
            #expect(all["rows"]?.arrayValue?.count == 11)
            expectAnswers([
                ("two places", 400, "one of them", try await f.ask("GET", base + "&at=3&after=\(previous)")),
                ("no number", 400, "at", try await f.ask("GET", base + "&at=-1")),
                ("no cursor", 400, "before", try await f.ask("GET", base + "&before=5b22225d")),
                ("a cursor beyond", 400, "cursor", try await f.ask("GET", base + "&after=\(Cursor([.int(40)]))")),
                ("a form", 400, "format", try await f.ask("GET", base + "&format=xml")),
            ])
        }
    }

    @Test func `whole tables leave in three forms, a single file as it is kept`() async throws {
        try await Fixture.with { f in
            try await sales(f)
            func data(_ target: String) async throws -> (status: Int, type: String?, bytes: [UInt8]) {
                let answer = await f.application.respond(
                    method: "GET", target: "/api/v1" + target, headers: [("host", "localhost")], body: RequestBody())
                let type = answer.headers.first { $0.name == "Content-Type" }?.value
                return (answer.status, type, try await answer.collect())
            }
            let csv = try await data(
                "/datasets/sales/versions/3/data?format=csv&columns=units,store&filter=units%20%3D%204&limit=2")
            #expect(String(decoding: csv.bytes, as: UTF8.self) == "units,store\r\n4,Bern\r\n4,Aarau\r\n")
            #expect(csv.type == "text/csv; charset=utf-8")
            let kept = try await f.service.files(of: f.service.resolve(Ref(parsing: "dataset:sales@1"), as: .system))
            let whole = try await data("/datasets/sales/versions/1/data?format=parquet")
            #expect(Digest.of(whole.bytes) == kept[0].digest)
            let joined = try await data("/datasets/sales/versions/3/data?format=parquet")
            #expect(joined.bytes.prefix(4) == ArraySlice("PAR1".utf8) && joined.bytes.count > whole.bytes.count)
            let arrow = try await data("/datasets/sales/versions/3/data")
            #expect(arrow.type == "application/vnd.apache.arrow.stream")
            #expect(arrow.bytes.prefix(4) == [0xFF, 0xFF, 0xFF, 0xFF])
            #expect(arrow.bytes.suffix(8) == [0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0])
            #expect(try await data("/datasets/sales/versions/3/data?filter=colour%20%3D%201").status == 400)
            // Nothing stays behind.
            #expect(try await f.traces().filter { !$0.contains(" ") } == [])
        }
    }

    @Test func `two sides are compared on common bins`() async throws {
        try await Fixture.with { f in
            try await sales(f)
            _ = try await f.get(
                "POST", "/slices", ["name": "bern", "over": "dataset:sales", "where": "store = 'Bern'"])
            let same = try await f.get("GET", "/compare?left=dataset:sales@3&right=dataset:sales")
            #expect(same["columns"]?.arrayValue?.map { $0["distance"]?.doubleValue } == [0, 0, 0, 0])
            let answer = try await f.get("GET", "/compare?left=dataset:sales@1&right=slice:bern")
            #expect(answer["left"] == ["ref": "dataset:sales@1", "rows": 20])
            #expect(answer["right"]?["rows"] == 13)
            let columns = Dictionary(
                (answer["columns"]?.arrayValue ?? []).map { ($0["name"]?.stringValue ?? "", $0) }
            ) { a, _ in a }
            let store = columns["store"]?["distribution"]
            #expect(store?["values"] == ["Bern", "Aarau", "Chur"])
            #expect(store?["left"]?["counts"] == [7, 7, 6] && store?["right"]?["counts"] == [13, 0, 0])
            let units = columns["units"]?["distribution"]
            #expect(Self.numbers(units?["edges"]) == [0, 1, 2, 3, 4, 5])
            #expect(units?["left"]?["counts"] == [4, 4, 4, 4, 4] && units?["right"]?["counts"] == [2, 3, 3, 2, 3])
            // By hand, of 20 prices with 3 missing and 13 with 2 missing.
            let price = columns["price"]?["distribution"]
            func sum(_ side: String) -> Int64 {
                let counts = price?[side]?["counts"]?.arrayValue?.compactMap(\.intValue) ?? []
                return ["below", "above", "other", "nulls"].compactMap { price?[side]?[$0]?.intValue }.reduce(
                    counts.reduce(0, +), +)
            }
            #expect([sum("left"), sum("right")] == [20, 13])
            #expect([price?["left"]?["nulls"], price?["right"]?["nulls"]] == [3, 2])
            _ = try await f.append("other", "store,units,more\nx,a,1\n".utf8)
            let other = try await f.get("GET", "/compare?left=dataset:sales@1&right=dataset:other")
            #expect(
                other["schema"] == [
                    "onlyLeft": ["at", "price"], "onlyRight": ["more"],
                    "types": [["name": "units", "left": "BIGINT", "right": "VARCHAR"]],
                ])
            #expect(other["columns"]?.arrayValue?.first?["distance"]?.doubleValue == 1)
            expectAnswers([
                ("one side", 400, "right", try await f.ask("GET", "/compare?left=dataset:sales")),
                ("no ref", 400, "ref", try await f.ask("GET", "/compare?left=dataset:sales&right=sales")),
                ("unknown", 404, "dataset:x", try await f.ask("GET", "/compare?left=dataset:sales&right=dataset:x")),
            ])
        }
    }

    @Test func `the distance between histograms is that of Jensen and Shannon`() {
        let cases: [([Int64], [Int64], Double?)] = [
            ([1, 1], [5, 5], 0), ([1, 0], [0, 7], 1), ([0, 0], [1, 1], nil),
            // sqrt(((0.5 log2(0.5 / 0.75) + 0.5 log2(0.5 / 0.25)) + log2(1 / 0.75)) / 2)
            ([1, 1], [2, 0], 0.557_923_0),
        ]
        for (a, b, expected) in cases {
            let found = PairedDistribution.jensenShannon(a, b)
            #expect((found == nil) == (expected == nil))
            #expect(abs((found ?? 0) - (expected ?? 0)) < 1e-6)
        }
    }

    @Test func `a series keeps the peaks of every pixel`() async throws {
        try await Fixture.with { f in
            try await sales(f)
            let base = "/datasets/sales/versions/latest/series"
            let answer = try await f.get("GET", base + "?x=at&y=units,price&buckets=4")
            #expect(answer["rows"] == 40 && answer["counts"] == [10, 10, 10, 10])
            let day = 86_400.0
            #expect(answer["from"]?.doubleValue == 1_483_228_800)
            let starts = (0..<4).map { (index: Int) -> Double in 1_483_228_800 + Double(index) * 19.5 * day / 4 }
            #expect(answer["starts"]?.arrayValue?.compactMap(\.doubleValue) == starts)
            let units = answer["series"]?.arrayValue?[0]
            #expect(
                ["minimum", "maximum", "mean"].map { Self.numbers(units?[$0]) }
                    == [[0, 0, 0, 0], [4, 4, 4, 4], [2, 2, 2, 2]])
            #expect(answer["series"]?.arrayValue?[1]["maximum"] == [2.25, 4.75, 7.25, 9.75])
            // Two rows of Bern, and the price of the later one is missing.
            let part = try await f.get(
                "GET",
                base + "?x=at&y=price&buckets=2&from=2017-01-03&to=2017-01-04T12:00:00Z&filter=store%20%3D%20'Bern'")
            #expect(Self.numbers(part["series"]?.arrayValue?[0]["mean"]) == [1] && part["counts"] == [1, 1])
            let number = try await f.get("GET", base + "?x=price&y=units&buckets=3&from=2&to=3")
            #expect(number["rows"] == 5 && number["counts"] == [2, 1, 2])
            let none = try await f.get("GET", base + "?x=price&y=units&filter=units%20%3E%2099")
            #expect(none["rows"] == 0 && none["starts"] == [])
            expectAnswers([
                ("text", 400, "one of units, price", try await f.ask("GET", base + "?x=at&y=store")),
                ("x", 400, "one of at, units, price", try await f.ask("GET", base + "?x=store&y=units")),
                ("nothing", 400, "x, y", try await f.ask("GET", base)),
                ("buckets", 400, "buckets", try await f.ask("GET", base + "?x=at&y=units&buckets=0")),
                ("range", 400, "range", try await f.ask("GET", base + "?x=price&y=units&from=3&to=2")),
                ("end", 400, "", try await f.ask("GET", base + "?x=price&y=units&from=x&to=2")),
            ])
        }
    }

    @Test func `rows of files say where each file is and how large its image`() async throws {
        try await Fixture.with { f in
            let png = try #require(Base64.decode(ImageHeaderTests.images[0].base64))
            let image = try await f.platform.objects.put(png)
            let text = try await f.platform.objects.put(Array("GIF89a, says a text".utf8))
            var lines = FileLinesWriter()
            for (path, object) in [("a b/é.png", image), ("x.txt", text), ("no-type", image)] {
                lines.put(path: path, digest: object.digest, sizeBytes: object.sizeBytes, chunks: nil)
            }
            let version = try await f.service.commitFiles(
                FilesCommit(dataset: "pics", project: "p"),
                changes: LineBatches(body: RequestBody(lines.bytes)) { try FileChange(line: $0, number: $1) },
                as: .system
            ).version
            func row(_ path: String, _ type: String?, _ digest: Digest) -> [TableValue] {
                [.text(path), type.map { .text($0) } ?? .null, .text("sha256:" + digest.hex)]
            }
            let rows = TableResult(
                columns: ["path", "media_type", "digest"].map { TableColumn(name: $0, type: "VARCHAR") },
                rows: [
                    row("a b/é.png", "image/png", image.digest), row("x.txt", "text/plain", text.digest),
                    row("gone.png", "image/png", Digest.of("nothing")), row("no-type", nil, image.digest),
                ], truncated: false)
            let base = "/api/v1/datasets/pics/versions/1/files/"
            #expect(
                await f.service.fileViews(version, rows).map(\.json) == [
                    [
                        "url": .string(base + "a%20b/%C3%A9.png"), "mediaType": "image/png", "width": 300, "height": 17,
                    ], ["url": .string(base + "x.txt"), "mediaType": "text/plain"],
                    ["url": .string(base + "gone.png"), "mediaType": "image/png"],
                    ["url": .string(base + "no-type"), "mediaType": .null],
                ])
        }
    }

    @Test func `histograms are drawn with blocks`() {
        #expect(Bars.text([0, 1, 50, 100, 7]) == " ▁▄█▁" && Bars.text([]) == "" && Bars.text([0, 0]) == "  ")
        #expect(
            Bars.shares([("a", 60), ("a text that is far too long", 30), ("c", 9), ("d", 1)], of: 100)
                == "a 60% · a text that is far … 30% · c 9%")
    }
}
