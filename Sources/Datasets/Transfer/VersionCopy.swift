import Client
import Core
import Objects

/// Copies a version from one server to another: only the files that differ from the newest version that both have, and of
/// those only the objects that the other lacks. The bytes go through this machine, so neither server needs to reach the
/// other or to know its credentials.
struct VersionCopy {
    let source: APIClient
    let target: APIClient
    /// On the source.
    let ref: Ref
    /// On the target.
    let dataset: String
    let project: String
    let branch: String
    let progress: TransferProgress

    struct Outcome {
        let answer: JSONValue
        /// The files in which the version differs from what the target had.
        let files: Int
        let sentObjects: Int
        let sentBytes: Int64
    }

    private static let pageSize = 10_000

    func run() async throws -> Outcome {
        let version = try await source.get(try Place(ref.description).path)
        let fields = try JSONFields(version)
        let number = try fields.int("version")
        let digest = try Digest(parsing: fields.string("digest"))
        let head = try await prepareTarget(fields, number)
        if let head, try Digest(parsing: JSONFields(head).string("digest")) == digest {
            return Outcome(answer: head.with("unchanged", true), files: 0, sentObjects: 0, sentBytes: 0)
        }
        let common = try await head.asyncMap { try await self.common($0, number) }
        let copier = FileCopier(
            source: CheckoutSource(
                client: source, path: "/api/v1/datasets/\(percentEncode(ref.name))/versions/\(number)"),
            sender: ObjectSender(client: target), progress: progress)
        var lines = FileLinesWriter()
        var (files, after): (Int, String?) = (0, nil)
        repeat {
            let page = try await Retry.few {
                try await source.get(
                    copier.source.path + "/changes",
                    query: [("from", common.map { String($0) }), ("limit", String(Self.pageSize)), ("after", after)])
            }
            after = page["next"]?.stringValue
            let changes = page["items"]?.arrayValue ?? []
            files += changes.count
            try await copier.copy(changes.compactMap { try CopiedFile($0) })
            for change in changes {
                if let file = try CopiedFile(change) {
                    lines.put(path: file.path, digest: file.digest, sizeBytes: file.sizeBytes, chunks: file.chunks)
                } else {
                    lines.remove(try JSONFields(change).string("path"))
                }
            }
        } while after != nil
        let sent = copier.sent
        let answer = try await target.exchange(
            "POST", "/api/v1/datasets/\(percentEncode(dataset))/files",
            query: [
                ("project", project), ("branch", branch), ("mode", "update"),
                ("base", head?["version"]?.intValue.map { String($0) }),
                ("message", try fields.string("message")),
                ("origin", "\(source.url)/\(try fields.string("ref"))"),
                // Versions of before there were trees have digests of another kind.
                ("expected", version["tree"]?.stringValue),
            ], lines.bytes, contentType: "application/x-ndjson")
        return Outcome(
            answer: try JSONValue(parsing: answer), files: files, sentObjects: sent.objects, sentBytes: sent.bytes)
    }

    /// Makes the dataset if the target does not have it; its branch's head.
    private func prepareTarget(_ version: JSONFields, _ number: Int) async throws -> JSONValue? {
        let path = "/api/v1/datasets/\(percentEncode(dataset))"
        do {
            let known = try await target.get(path)
            if known["latest"]?.isNull ?? true { return nil }
        } catch let error as SlipwayError where error.code == .notFound {
            let mine = try await source.get("/api/v1/datasets/\(percentEncode(ref.name))")
            _ = try await target.post(
                "/api/v1/datasets",
                [
                    "name": .string(dataset), "project": .string(project),
                    "kind": .string(try version.string("kind")), "key": mine["key"] ?? [],
                    "description": mine["description"] ?? "",
                ])
            return nil
        }
        do {
            return try await target.get(path + "/versions/\(percentEncode(branch))")
        } catch let error as SlipwayError where error.code == .notFound {
            return try await startBranch(path, number)
        }
    }

    /// Makes the branch on the target, at the newest version there that is one of those before the copied one.
    private func startBranch(_ path: String, _ number: Int) async throws -> JSONValue {
        var before: Set<String> = []
        _ = try await Self.version(of: source, ref.name, branch: branchName(number)) { version in
            if let found = version["version"]?.intValue, found <= number, let digest = version["digest"]?.stringValue {
                before.insert(digest)
            }
            return false
        }
        let start = try await Self.version(of: target, dataset, branch: nil) {
            $0["digest"]?.stringValue.map { before.contains($0) } ?? false
        }
        guard let start, let from = start["version"]?.intValue else {
            throw SlipwayError(
                .conflict,
                "None of the versions of \(dataset) at \(target.url) is among those before \(ref) at \(source.url), so a branch has nowhere to begin. Copy it to a dataset of another name (--as).",
                ref: Ref(.dataset, dataset))
        }
        _ = try await target.send(
            "PUT", "\(path)/branches/\(percentEncode(branch))", body: ["from": .string(String(from))])
        return start
    }

    /// The first version, from the newest on, that fits.
    private static func version(
        of client: APIClient, _ dataset: String, branch: String?, where fits: (JSONValue) -> Bool
    ) async throws -> JSONValue? {
        var after: String?
        repeat {
            let page = try await client.get(
                "/api/v1/datasets/\(percentEncode(dataset))/versions",
                query: [("branch", branch), ("limit", "1000"), ("after", after)])
            for item in page["items"]?.arrayValue ?? [] where fits(item) { return item }
            after = page["next"]?.stringValue
        } while after != nil
        return nil
    }

    /// The number on the source of the version that the target's head is.
    private func common(_ head: JSONValue, _ number: Int) async throws -> Int {
        let digest = head["digest"]?.stringValue
        let found = try await Self.version(of: source, ref.name, branch: branchName(number)) {
            $0["digest"]?.stringValue == digest && $0["version"]?.intValue ?? .max <= number
        }
        if let found = found?["version"]?.intValue { return Int(found) }
        throw SlipwayError(
            .conflict,
            "\(head["ref"]?.stringValue ?? dataset) on \(branch) at \(target.url) was made by \(head["author"]?.stringValue ?? "somebody") and is not among the versions before \(ref) at \(source.url). Copy it here to a branch of its own and merge, or give --branch to copy to another branch.",
            details: ["head": head["ref"]?.stringValue ?? "", "author": head["author"]?.stringValue ?? ""])
    }

    private func branchName(_ number: Int) async throws -> String {
        let version = try await source.get("/api/v1/datasets/\(percentEncode(ref.name))/versions/\(number)")
        return version["branch"]?.stringValue ?? Dataset.mainBranch
    }
}

/// A file of the version that is copied.
struct CopiedFile: Sendable {
    let path: String
    let digest: Digest
    let sizeBytes: Int64
    let chunks: Digest?

    /// nil for a file that is gone.
    init?(_ change: JSONValue) throws {
        guard let after = change["after"], !after.isNull else { return nil }
        let fields = try JSONFields(after)
        path = try fields.string("path")
        digest = try Digest(parsing: fields.string("digest"))
        sizeBytes = Int64(try fields.int("sizeBytes"))
        chunks = try fields.optionalString("chunks").map { try Digest(parsing: $0) }
    }
}

/// Moves objects. For one task at a time.
final class FileCopier {
    let source: CheckoutSource
    private let sender: ObjectSender
    private let progress: TransferProgress
    private(set) var sent: (objects: Int, bytes: Int64) = (0, 0)

    private static let batchBytes: Int64 = 4 << 20
    /// Larger files travel alone.
    private static let largeBytes: Int64 = 16 << 20

    init(source: CheckoutSource, sender: ObjectSender, progress: TransferProgress) {
        (self.source, self.sender, self.progress) = (source, sender, progress)
    }

    /// Sends what the target lacks of these files.
    func copy(_ files: [CopiedFile]) async throws {
        let missing = try await sender.missing(files.map { $0.chunks ?? $0.digest })
        var seen: Set<Digest> = []
        let wanted = files.filter {
            missing.contains($0.chunks ?? $0.digest) && seen.insert($0.chunks ?? $0.digest).inserted
        }
        progress.expect(files: wanted.count, bytes: wanted.reduce(0) { $0 + $1.sizeBytes })
        var (batch, bytes): ([CopiedFile], Int64) = ([], 0)
        for file in wanted {
            if file.chunks != nil || file.sizeBytes > Self.largeBytes {
                if let chunks = file.chunks { try await copyChunks(file, chunks) } else { try await copyWhole(file) }
                continue
            }
            if !batch.isEmpty, bytes + file.sizeBytes > Self.batchBytes {
                try await copySmall(batch)
                (batch, bytes) = ([], 0)
            }
            batch.append(file)
            bytes += file.sizeBytes
        }
        if !batch.isEmpty { try await copySmall(batch) }
    }

    private func copySmall(_ files: [CopiedFile]) async throws {
        let lines = Array(files.map(\.path).joined(separator: "\n").utf8)
        let (source, sender) = (source, sender)
        let frames = try await Retry.few {
            try await source.client.exchange("POST", source.path + "/fetch", lines, contentType: "text/plain")
        }
        try await sender.send(frames)
        let bytes = files.reduce(0) { $0 + $1.sizeBytes }
        sent = (sent.objects + files.count, sent.bytes + bytes)
        progress.done(files: files.count, bytes: bytes)
    }

    /// A large file that is one object (a table's part), by way of a file on this machine.
    private func copyWhole(_ file: CopiedFile) async throws {
        let folder = StatIndex.cacheFolder + "/copies"
        try makeFolder(folder)
        let path = "\(folder)/\(ID.make())"
        defer { removeFile(path) }
        let (sink, progress) = (try PartFile(path), progress)
        try await source.client.stream(source.url(file.path)) {
            try sink.append($0, whole: file.sizeBytes)
            progress.done(files: 0, bytes: Int64($0.count))
        }
        _ = try await Retry.few {
            try await sender.client.upload(
                "PUT", "/api/v1/objects/\(file.digest)", file: path, contentType: "application/octet-stream")
        }
        sent = (sent.objects + 1, sent.bytes + file.sizeBytes)
        progress.done(files: 1, bytes: 0)
    }

    /// The chunks that the target lacks, as ranges of the file; then the list.
    private func copyChunks(_ file: CopiedFile, _ listDigest: Digest) async throws {
        let source = source
        let encoded = try await source.client.bytes(source.url(file.path), query: [("chunks", "true")])
        let list = try ChunkList(decoding: encoded)
        var at: Int64 = 0
        let places = list.chunks.map { chunk in
            defer { at += chunk.sizeBytes }
            return (digest: chunk.digest, range: at..<(at + chunk.sizeBytes))
        }
        let missing = try await sender.missing(places.map(\.digest))
        var frames: [UInt8] = []
        var done: Set<Digest> = []
        for place in places where missing.contains(place.digest) && done.insert(place.digest).inserted {
            let bytes = try await source.range(file.path, place.range)
            guard Digest.of(bytes) == place.digest else {
                throw SlipwayError(.unavailable, "The bytes of '\(file.path)' that came are not right. Try again.")
            }
            ObjectFrames.append(bytes, digest: place.digest, to: &frames)
            sent = (sent.objects + 1, sent.bytes + Int64(bytes.count))
            if frames.count >= ObjectFrames.batchBytes {
                try await sender.send(frames)
                frames = []
            }
        }
        ObjectFrames.append(encoded, digest: listDigest, to: &frames)
        try await sender.send(frames)
        progress.done(files: 1, bytes: file.sizeBytes)
    }
}

extension CheckoutSource {
    /// Some bytes of a file.
    func range(_ path: String, _ range: Range<Int64>) async throws -> [UInt8] {
        try await Retry.few {
            let sink = ByteSink()
            try await client.stream(url(path), range: range) { sink.append($0) }
            return sink.bytes
        }
    }
}

extension JSONValue {
    /// The object with one more field.
    fileprivate func with(_ key: String, _ value: JSONValue) -> JSONValue {
        var fields = objectValue ?? [:]
        fields[key] = value
        return .object(fields)
    }
}
