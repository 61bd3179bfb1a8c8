import Core
import Database
import Ledger
import Objects
import Platform
import Tables
import TestSupport
import Testing
import Web

@testable import Datasets

@Suite struct FilesTests {
    @Test func `a version costs what changed, merges other paths and says what collides`() async throws {
        for dialect in TestDatabase.dialects {
            try await Fixture.with(dialect: dialect) { f in
                let first = try await f.files("pics", ["a": "1", "b": "2", "c/d": "3"])
                #expect(first.isNew && !first.merged)
                #expect(try await f.tree("pics") == ["a": "1", "b": "2", "c/d": "3"])
                // Both made on version 1.
                let mine = try await f.files("pics", ["a": "mine"], base: 1)
                let theirs = try await f.files("pics", ["b": nil, "e": "5"], base: 1)
                #expect(mine.version.number == 2 && theirs.version.number == 3 && theirs.merged)
                #expect(try await f.tree("pics") == ["a": "mine", "c/d": "3", "e": "5"])
                // The same change on both sides is none; another one is told by name.
                #expect(try await !f.files("pics", ["a": "mine"], base: 1).isNew)
                let error = try await #require(throws: SlipwayError.self) {
                    try await f.files("pics", ["a": "other", "z": "9"], base: 1)
                }
                #expect(error.code == .conflict)
                #expect(error.details["paths"] == "a" && error.details["author"] == "mia")
                #expect(error.message.contains("dataset:pics@3") && error.ref == theirs.version.ref)
                // What a version holds is named by its tree: the way to it does not matter.
                let whole = try await f.files("pics", ["a": "1", "b": "2", "c/d": "3"], mode: .replace)
                #expect(whole.version.number == 4 && whole.version.digest == first.version.digest)
                #expect(try await f.tree("pics", version: 1) == ["a": "1", "b": "2", "c/d": "3"])
                #expect(try await f.platform.ledger.verify().firstFault == nil)
                // Rows do not go into files, nor files into rows.
                let rows = try await f.append("pics", "x\n1\n".utf8)
                #expect(rows.status == 409)
                _ = try await f.append("table", "x\n1\n".utf8)
                await #expect(throws: SlipwayError.self) { try await f.files("table", ["a": "1"]) }
            }
        }
    }

    @Test func `files and what is said about them are one table`() async throws {
        try await Fixture.with { f in
            _ = try await f.files("pics", ["a.png": "1", "b.txt": "22", "\"q\",x": "333"])
            let listing = "SELECT path, size_bytes, media_type FROM p ORDER BY path"
            #expect(
                try await f.query(listing, "pics") == [
                    ["\"q\",x", 3, "application/octet-stream"], ["a.png", 1, "image/png"], ["b.txt", 2, "text/plain"],
                ])
            // Rewriting the table rewrites the version: labels are published so, rows that go take their files along.
            let base = try await f.service.resolve(Ref(.dataset, "pics"), as: Fixture.maker)
            let made = try await f.service.rewrite(
                base, branch: "main", sql: "SELECT path, 'cat' AS label FROM p WHERE path <> 'b.txt'",
                inputs: [try await f.service.input(base, name: "p")],
                recipe: Recipe(kind: "label", inputs: [], details: [:]), parents: [], message: "",
                as: Fixture.maker)
            #expect(made.number == 2 && made.fileCount == 2 && made.rowCount == 2 && made.sizeBytes == 4)
            #expect(made.columns.map(\.name) == ["path", "size_bytes", "media_type", "digest", "label"])
            #expect(
                try await f.query("SELECT path, label FROM p ORDER BY path", "pics") == [
                    ["\"q\",x", "cat"], ["a.png", "cat"],
                ])
            // A file may come from another version that it is made from, told by its digest.
            let back = try await f.service.rewrite(
                made, branch: "main",
                sql:
                    "SELECT path, digest, 'back' AS label FROM old WHERE path = 'b.txt' UNION ALL SELECT path, digest, label FROM p",
                inputs: [
                    try await f.service.input(base, name: "old"), try await f.service.input(made, name: "p"),
                ], recipe: Recipe(kind: "merge", inputs: [], details: [:]), parents: [base.ref], message: "",
                as: Fixture.maker)
            #expect(back.fileCount == 3)
            #expect(try await f.tree("pics") == ["\"q\",x": "333", "a.png": "1", "b.txt": "22"])
            await #expect(throws: SlipwayError.self) {
                try await f.service.rewrite(
                    back, branch: "main", sql: "SELECT 'nowhere' AS path FROM p LIMIT 1",
                    inputs: [try await f.service.input(back, name: "p")],
                    recipe: Recipe(kind: "label", inputs: [], details: [:]), parents: [], message: "",
                    as: Fixture.maker)
            }
        }
    }

    @Test func `versions of before there were trees are read and gone on from`() async throws {
        for dialect in TestDatabase.dialects {
            try await Fixture.with(dialect: dialect) { f in
                _ = try await f.append("sales", "x\n1\n".utf8)
                // Version 1 as the first migration left it: a manifest and no tree.
                let version = try await f.service.resolve(Ref(.dataset, "sales"), as: Fixture.maker)
                let entries = try await f.service.entries(of: version)
                try await f.platform.database.write { db in
                    let manifest = try Manifests.create(db, owner: version.ref)
                    try Manifests.setMany(
                        db, manifest, entries.map { (try RelativePath(parsing: $0.path), $0.object) })
                    try db.execute("UPDATE dataset_version SET tree = NULL, manifest = \(manifest)")
                    _ = try TreeRoots.release(db, owner: version.ref)
                }
                #expect(try await f.rows("sales") == "1")
                _ = try await f.append("sales", "x\n2\n".utf8)
                #expect(try await f.rows("sales") == "1;2")
                let files = try await f.ask("GET", "/datasets/sales/versions/2/files")
                #expect(
                    files.json["items"]?.arrayValue?.compactMap { $0["path"]?.stringValue } == [
                        "part-00000.parquet", "part-00001.parquet",
                    ])
                #expect(
                    try await f.ask("GET", "/datasets/sales/versions/1/files").json["items"]?.arrayValue?.count == 1)
                // It is deleted like any other.
                _ = try await f.service.deleteVersion(
                    Ref(.dataset, "sales", version: 1), dryRun: false, force: false, as: Fixture.maker)
                #expect(try await f.ask("GET", "/datasets/sales/versions/1/files").status == 404)
                #expect(try await f.rows("sales") == "1;2")
            }
        }
    }

    @Test(
        arguments: [
            ("bytes=0-0", 0..<1), ("bytes=2-", 2..<10), ("bytes=-3", 7..<10), ("bytes=-99", 0..<10),
            ("bytes=5-99", 5..<10),
            ("bytes=10-", 10..<10), ("bytes=10-11", 10..<10), ("bytes=-0", 10..<10), ("bytes=0-1,3-4", nil),
            ("lines=1-2", nil),
            ("bytes=4-3", nil), ("bytes=-", nil), ("bytes=a-b", nil), ("bytes=99999999999999999999-", 10..<10),
        ] as [(String, Range<Int64>?)])
    func `ranges of bytes`(_ header: String, _ range: Range<Int64>?) {
        #expect(FileResponse.parse(header, 10) == range)
    }

    @Test func `lines are cut wherever the pieces end`() async throws {
        let text = Array("{\"remove\":\"a\"}\n\n  \n{\"remove\":\"b\"}\r\n{\"remove\":\"c\"}".utf8)
        for size in 1...text.count {
            let pieces = stride(from: 0, to: text.count, by: size).map { Array(text[$0..<min($0 + size, text.count)]) }
            let body = RequestBody(
                AsyncStream { continuation in
                    for piece in pieces { continuation.yield(piece) }
                    continuation.finish()
                }, contentLength: nil, map: { $0 })
            var found: [String] = []
            for try await batch in LineBatches(
                body: body, parse: { try FileChange(line: $0, number: $1) }, batchLines: 2)
            {
                for case .remove(let path) in batch { found.append(path.description) }
            }
            #expect(found == ["a", "b", "c"])
        }
    }

    @Test func `what a client writes is read as it was meant, plain or not`() throws {
        let digest = Digest.of("x")
        for path in ["a", "a b/c.png", "ü/ß", "\"q\"", "emoji 🙂", String(repeating: "n", count: 255)] {
            for chunks in [nil, Digest.of("list")] {
                var lines = FileLinesWriter()
                lines.put(path: path, digest: digest, sizeBytes: 12_345_678_901, chunks: chunks)
                let change = try FileChange(line: Array(lines.bytes.dropLast()), number: 1)
                guard case .put(let found, digest, 12_345_678_901, chunks) = change else {
                    Issue.record("\(change)")
                    continue
                }
                #expect(found.description == path)
            }
        }
        let hex = digest.hex
        for (line, words) in [
            ("{\"path\":\"../a\",\"digest\":\"\(hex)\",\"size\":1}", "contains '..'"),
            ("{\"path\":\"a\",\"digest\":\"\(hex.uppercased())\",\"size\":1}", "is not a SHA-256 digest"),
            ("{\"path\":\"a\",\"digest\":\"\(hex)\",\"size\":-1}", "is negative"),
            ("{\"path\":\"a\",\"digest\":\"\(hex)\",\"size\":1", "ends too early"),
            ("{\"path\":\"a\",\"digest\":\"\(hex)\",\"size\":1,\"x\":2}", "not a known field"),
        ] {
            let error = #expect(throws: SlipwayError.self) { try FileChange(line: Array(line.utf8), number: 7) }
            #expect(
                error?.message.hasPrefix("Line 7: ") == true && error?.message.contains(words) == true,
                "\(error?.message ?? "")")
        }
    }

    @Test func `an index is what was written, and broken ones are empty`() throws {
        let path = "/tmp/slipway-index-\(ID.make())"
        defer { removeFile(path) }
        let stamp = FileStamp(sizeBytes: 5, modifiedNanoseconds: 1_000, changedNanoseconds: 2_000, inode: 7)
        let index = StatIndex(
            base: .init(server: "http://x", dataset: "d", branch: "main", prefix: "p", version: 3, digest: "sha256:aa"),
            entries: [
                .init(path: "a ü", stamp: stamp, digest: .of("a"), chunks: nil),
                .init(path: "b", stamp: stamp, digest: .of("b"), chunks: .of("c")),
            ], takenNanoseconds: 1_000_000_000)
        try index.write(to: path)
        let read = StatIndex(reading: path)
        #expect(read.base == index.base && read.entries.map(\.path) == ["a ü", "b"])
        #expect(read.entries.map(\.chunks) == [nil, .of("c")] && read.entries.map(\.digest) == [.of("a"), .of("b")])
        #expect(read.holds(read.entries[0], for: stamp))
        // Changed so shortly before that the clock cannot tell it from a later change.
        let late = FileStamp(sizeBytes: 5, modifiedNanoseconds: 999_000_000, changedNanoseconds: 2_000, inode: 7)
        #expect(!read.holds(.init(path: "a", stamp: late, digest: .of("a"), chunks: nil), for: late))
        let bytes = try FileBytes.whole(path, #require(FileStamp(path)))
        for count in stride(from: 0, to: bytes.count, by: 7) {
            removeFile(path)
            let file = try WorkFile(path)
            try file.write(Array(bytes[..<count]))
            try file.close()
            #expect(StatIndex(reading: path).entries.isEmpty)
        }
    }

    @Test(
        arguments: [
            (["a/README", "a/readme"], ["a/README", "a/readme"]),
            (["caf\u{E9}", "z", "cafe\u{301}"], ["caf\u{E9}", "cafe\u{301}"]),
            (["\u{C9}", "e\u{301}"], ["\u{C9}", "e\u{301}"]), (["a", "b/a", "A1"], []),
        ] as [([String], [String])])
    func `names that some disks take for one`(_ paths: [String], _ pair: [String]) throws {
        let wanted = try paths.map {
            FolderCheckout.Wanted(path: try RelativePath(parsing: $0), full: $0, digest: .of($0), sizeBytes: 1)
        }
        let found = FolderCheckout.alike(wanted).map { [PathKey($0.0), PathKey($0.1)] } ?? []
        #expect(found == pair.map { PathKey($0) })
    }
}

extension Fixture {
    /// Makes a version of files with these contents; nil removes one.
    @discardableResult
    func files(
        _ dataset: String, _ files: [String: String?], mode: FilesCommit.Mode = .update, base: Int? = nil,
        branch: String = "main"
    ) async throws -> FilesOutcome {
        var lines = FileLinesWriter()
        for (path, text) in files.sorted(by: { $0.key < $1.key }) {
            guard let text else {
                lines.remove(path)
                continue
            }
            let object = try await platform.objects.put(Array(text.utf8))
            lines.put(path: path, digest: object.digest, sizeBytes: object.sizeBytes, chunks: nil)
        }
        var commit = FilesCommit(dataset: dataset, project: "p", branch: branch)
        commit.mode = mode
        commit.base = base
        let changes = LineBatches(body: RequestBody(lines.bytes)) { try FileChange(line: $0, number: $1) }
        return try await service.commitFiles(commit, changes: changes, as: Self.maker)
    }

    /// The texts of a version's files by path.
    func tree(_ dataset: String, version: Int? = nil) async throws -> [String: String] {
        let ref = version.map { Ref(.dataset, dataset, version: $0) } ?? Ref(.dataset, dataset)
        var texts: [String: String] = [:]
        for entry in try await service.fileEntries(ref, prefix: "", PageRequest(), as: Self.maker).items {
            texts[entry.path] = String(
                decoding: try await platform.objects.read(entry.object.digest), as: UTF8.self)
        }
        return texts
    }

    func query(_ sql: String, _ dataset: String) async throws -> [[JSONValue]] {
        try await service.query(
            sql, inputs: ["p": Ref(.dataset, dataset)], parameters: [], limit: 100, as: Self.maker
        ).rows.map { $0.map(\.json) }
    }
}
