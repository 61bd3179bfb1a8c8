import Archives
import Core
import Objects
import Platform
import Web

/// HTTP in, HTTP out: the files of versions.
struct FilesRoutes {
    let service: DatasetsService

    static let treeMaximumEntries = 10_000
    static let fetchMaximumPaths = 10_000

    var routes: [Route] { reading + writing }

    private static let commitQuery: [Route.Parameter] = [
        .init("project", "The project of a dataset that is new."), .init("branch", "main by default."),
        .init("mode", "update (default): the base's files but for the changes; replace: exactly these."),
        .init("base", "The version on which the change was made; the branch's head by default."),
        .init("baseDigest", "What the base must be."),
        .init("message", "Why."), .init("origin", "Where the files come from, for the lineage: a path or a URL."),
    ]

    private var writing: [Route] {
        [
            Route(
                .post, "/api/v1/datasets/{name}/files", .writeDatasets,
                "Makes a version of files, one JSON line a change: {path, digest, size, chunks?}, {remove} or {metadata, format}.",
                query: Self.commitQuery + [.init("expected", "The digest that the version must get.")],
                body: .bytes(type: "application/x-ndjson")
            ) { request in
                var commit = try Self.commit(request)
                commit.expected = try request.query("expected").map { try Digest(parsing: $0, field: "expected") }
                let lines = LineBatches(body: request.body) { try FileChange(line: $0, number: $1) }
                return Self.made(try await service.commitFiles(commit, changes: lines, as: request.principal))
            },
            Route(
                .post, "/api/v1/datasets/{name}/archive", .writeDatasets,
                "Makes a version of the files in an archive.",
                query: Self.commitQuery + [
                    .init("format", "zip, tar or tar.gz."), .init("prefix", "The folder to put the files in."),
                ], body: .bytes(type: "application/octet-stream")
            ) { request in
                let text = request.query("format") ?? ""
                guard let format = ArchiveFormat(rawValue: text) else {
                    throw SlipwayError.field(
                        "format", "'\(text.prefix(20))' is not an archive that is read", expected: "zip, tar or tar.gz")
                }
                let prefix = try request.query("prefix").map { try RelativePath(parsing: $0, field: "prefix") }
                return Self.made(
                    try await service.commitArchive(
                        Self.commit(request), request.body, format, prefix: prefix, as: request.principal))
            },
        ]
    }

    private var reading: [Route] {
        let base = "/api/v1/datasets/{name}/versions/{version}"
        return [
            Route(
                .get, base + "/files", .signedIn, "The files of a version, by path.",
                query: [
                    .init("prefix", "Only paths that begin so."), .init("folder", "Only what is immediately in it."),
                ] + VersionsRoutes.paging
            ) { request in try await list(request) },
            Route(
                .get, base + "/changes", .signedIn, "The files in which a version differs from another, by path.",
                query: [.init("from", "A version's number; all files by default.")] + VersionsRoutes.paging
            ) { request in
                let page = try request.page(maximum: Self.treeMaximumEntries)
                let changes = try await service.fileChanges(
                    VersionsRoutes.ref(request), from: request.query("from"), page, as: request.principal)
                return .page(changes) { change in
                    [
                        "path": .string(change.path), "before": Self.json(change.before),
                        "after": Self.json(change.after),
                    ]
                }
            },
            Route(
                .get, base + "/files/{path+}", .signedIn, "The bytes of one file, or a range of them.",
                query: [.init("chunks", "true: the list of the file's chunks, for copies.")]
            ) { request in
                let entry = try await service.file(
                    VersionsRoutes.ref(request), request.parameter("path"), as: request.principal)
                if request.query("chunks") == "true" {
                    guard let list = entry.chunks else {
                        throw SlipwayError(.notFound, "'\(entry.path.prefix(120))' is not stored in chunks.")
                    }
                    return Response(
                        status: 200, headers: [("Content-Type", "application/octet-stream")],
                        body: .bytes(try await service.platform.objects.read(list)))
                }
                return FileResponse.make(
                    entry.object, path: entry.path, type: MediaType.served(entry.path), for: request
                ) { [objects = service.platform.objects] range, writer in
                    for try await piece in objects.stream(entry, range: range) { try await writer.write(piece) }
                }
            },
            Route(
                .post, base + "/fetch", .signedIn,
                "Many small files at once, by path (one a line); they come as objects, in that order.",
                body: .bytes(type: "text/plain")
            ) { request in
                let bytes = try await request.bytes(maximumBytes: 16 << 20)
                let paths = bytes.split(separator: 10).map { String(decoding: $0, as: UTF8.self) }
                guard paths.count <= Self.fetchMaximumPaths else {
                    throw SlipwayError(.tooLarge, "A request takes \(Self.fetchMaximumPaths) paths.")
                }
                let entries = try await service.filesToFetch(
                    VersionsRoutes.ref(request), paths, as: request.principal)
                let store = service.platform.objects
                let length = entries.reduce(0) { $0 + $1.object.sizeBytes + Int64(ObjectFrames.headerBytes) }
                return Response(
                    status: 200, headers: [("Content-Type", ObjectFrames.type)],
                    body: .stream(length: length) { try await Self.send(entries, from: store, to: $0) })
            },
        ]
    }

    /// What is in a folder, or all files by path.
    private func list(_ request: Request) async throws -> Response {
        let page = try request.page(maximum: Self.treeMaximumEntries)
        let ref = VersionsRoutes.ref(request)
        guard let folder = request.query("folder") else {
            let entries = try await service.fileEntries(
                ref, prefix: request.query("prefix") ?? "", page, as: request.principal)
            return .page(entries, Self.json)
        }
        let children = try await service.fileChildren(
            ref, of: folder.isEmpty ? nil : RelativePath(parsing: folder, field: "folder").description, page,
            as: request.principal)
        return .page(children) { child in
            var fields = child.entry.map { Self.json($0).objectValue ?? [:] } ?? ["path": .string(child.path)]
            fields["folder"] = .bool(child.entry == nil)
            fields["files"] = .int(child.files)
            fields["sizeBytes"] = .int(child.bytes)
            return .object(fields)
        }
    }

    private static func send(_ entries: [TreeEntry], from store: ObjectStore, to writer: ResponseWriter) async throws {
        var at = 0
        while at < entries.count {
            var (end, bytes) = (at, Int64(0))
            while end < entries.count, end == at || bytes + entries[end].object.sizeBytes <= ObjectFrames.batchBytes {
                bytes += entries[end].object.sizeBytes
                end += 1
            }
            let contents = try await store.readMany(entries[at..<end].map(\.object.digest), maximumBytes: max(bytes, 1))
            var frames: [UInt8] = []
            frames.reserveCapacity(Int(bytes) + (end - at) * ObjectFrames.headerBytes)
            for (entry, content) in zip(entries[at..<end], contents) {
                ObjectFrames.append(content, digest: entry.object.digest, to: &frames)
            }
            try await writer.write(frames)
            at = end
        }
    }

    // MARK: Parts

    private static func commit(_ request: Request) throws -> FilesCommit {
        let modeText = request.query("mode") ?? "update"
        guard let mode = FilesCommit.Mode(rawValue: modeText) else {
            throw SlipwayError.field(
                "mode", "'\(modeText.prefix(20))' is not known", expected: "update or replace")
        }
        let origin = request.query("origin")
        if let origin, origin.utf8.count > 500 || origin.unicodeScalars.contains(where: { $0.value < 32 }) {
            throw SlipwayError.field("origin", "is over 500 bytes or has control characters", expected: "a path or URL")
        }
        return FilesCommit(
            dataset: request.parameter("name"), project: request.project,
            branch: request.query("branch") ?? Dataset.mainBranch, mode: mode,
            base: try request.query("base").map { text in
                guard let number = Int(text), number > 0 else {
                    throw SlipwayError.field("base", "'\(text.prefix(20))' is not a version's number")
                }
                return number
            },
            baseDigest: try request.query("baseDigest").map { try Digest(parsing: $0, field: "baseDigest") },
            recipe: Recipe(kind: "files", inputs: origin.map { [$0] } ?? [], details: ["mode": .string(modeText)]),
            parents: origin.map { [Ref(.file, $0)] } ?? [], message: request.query("message") ?? "")
    }

    private static func made(_ outcome: FilesOutcome) -> Response {
        var fields = VersionsRoutes.made(outcome.version, outcome.isNew).objectValue ?? [:]
        fields["mergedWithOthers"] = .bool(outcome.merged)
        return .json(.object(fields), status: outcome.isNew ? 201 : 200)
    }

    private static func json(_ entry: TreeEntry?) -> JSONValue { entry.map { json($0) } ?? .null }

    private static func json(_ entry: TreeEntry) -> JSONValue {
        var fields: [String: JSONValue] = [
            "path": .string(entry.path), "digest": .string("sha256:" + entry.object.digest.hex),
            "sizeBytes": .int(entry.object.sizeBytes),
        ]
        if let chunks = entry.chunks { fields["chunks"] = .string(chunks.hex) }
        return .object(fields)
    }
}
