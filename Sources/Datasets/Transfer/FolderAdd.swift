import Client
import Core
import Objects

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Makes a version of a folder: what was not touched since the last time is not read, and what the server has is not sent.
struct FolderAdd {
    let client: APIClient
    let folder: String
    let dataset: String
    let project: String
    let branch: String
    /// The folder of the dataset that this folder is; empty for all of it.
    let prefix: String
    /// The version has exactly the folder's files, whatever it had before.
    let replace: Bool
    let metadata: String?
    let message: String
    let progress: TransferProgress

    struct Outcome {
        let answer: JSONValue
        let files: Int
        let bytes: Int64
        /// How many were read, and how many lines changed.
        let read: Int
        let changed: Int
        let removed: Int
        let passedOver: [String]
    }

    func run() async throws -> Outcome {
        let absolute = try LocalFolder.absolute(folder)
        let indexPath = StatIndex.path(of: absolute, server: client.url, dataset: dataset, prefix: prefix)
        let index = StatIndex(reading: indexPath)
        let base = try await base(index)
        let taken = StatIndex.now()
        let local = try LocalFolder(scanning: absolute)
        guard !local.files.isEmpty || base != nil else {
            throw SlipwayError(.invalid, "\(folder) has no files.")
        }
        try await Self.requirePlace(client, dataset, project)
        do { return try await add(local, index, base, taken, indexPath) } catch let error as SlipwayError
            where error.code == .notFound && base != nil
        {
            // The version was deleted, or the server is another one: as if for the first time.
            return try await add(local, index, nil, taken, indexPath)
        }
    }

    /// The version that the folder was, if the branch has it: what goes onto a branch that was made from it is the
    /// change, too.
    private func base(_ index: StatIndex) async throws -> StatIndex.Base? {
        guard !replace, let base = index.base, base.isOf(client.url, dataset, prefix) else { return nil }
        if base.branch == branch { return base }
        let line = try await client.get(
            "/api/v1/datasets/\(percentEncode(dataset))/versions", query: [("branch", branch), ("limit", "1000")])
        let isInIt = line["items"]?.arrayValue?.contains { $0["version"]?.intValue == Int64(base.version) } ?? false
        return isInIt ? base : nil
    }

    private func add(
        _ local: LocalFolder, _ index: StatIndex, _ base: StatIndex.Base?, _ taken: Int64, _ indexPath: String
    ) async throws -> Outcome {
        let checkpoint = indexPath + "-partial"
        let sender = ObjectSender(client: client)
        var known = Self.known(local.files, [index, StatIndex(reading: checkpoint)])
        // Without a version that surely has them, the server may have lost what this machine remembers sending.
        if base == nil, !known.isEmpty {
            let missing = try await sender.missing(known.values.map { $0.chunks ?? $0.digest })
            known = known.filter { !missing.contains($0.value.chunks ?? $0.value.digest) }
        }
        let unknown = local.files.filter { known[PathKey($0.path)] == nil }
        progress.expect(files: unknown.count, bytes: unknown.reduce(0) { $0 + $1.stamp.sizeBytes })
        let upload = FolderUpload(
            folder: local.path, sender: sender, progress: progress, checkpoint: checkpoint)
        var read = try await upload.run(unknown, taken: taken)[...]
        let entries = local.files.map { file in
            known[PathKey(file.path)]
                ?? (read.first.map { PathKey($0.path) } == PathKey(file.path) ? read.removeFirst() : nil)
        }.compactMap { $0 }
        guard entries.count == local.files.count else {
            throw SlipwayError(.internal, "The files of \(folder) do not match what was sent.")
        }
        let change = try await lines(entries, base == nil ? nil : index, sender)
        let answer = try await commit(change.bytes, base)
        if let version = answer["version"]?.intValue {
            let now = StatIndex(
                base: .init(
                    server: client.url, dataset: dataset, branch: branch, prefix: prefix, version: Int(version),
                    digest: answer["digest"]?.stringValue ?? ""), entries: entries, takenNanoseconds: taken)
            try? now.write(to: indexPath)
            removeFile(checkpoint)
        }
        return Outcome(
            answer: answer, files: entries.count, bytes: entries.reduce(0) { $0 + $1.stamp.sizeBytes },
            read: unknown.count, changed: change.put, removed: change.removed, passedOver: local.passedOver)
    }

    /// What the indexes still know of the files, by path.
    private static func known(_ files: [FolderFile], _ indexes: [StatIndex]) -> [PathKey: StatIndex.Entry] {
        var known: [PathKey: StatIndex.Entry] = [:]
        for index in indexes {
            var at = index.entries.startIndex
            for file in files {
                while at < index.entries.endIndex, TreeChanges.isBefore(index.entries[at].path, file.path) { at += 1 }
                guard at < index.entries.endIndex else { break }
                let entry = index.entries[at]
                let key = PathKey(file.path)
                if PathKey(entry.path) == key, index.holds(entry, for: file.stamp) { known[key] = entry }
            }
        }
        return known
    }

    /// The change from what the index knows of the base, or all files.
    private func lines(
        _ entries: [StatIndex.Entry], _ index: StatIndex?, _ sender: ObjectSender
    ) async throws -> (bytes: [UInt8], put: Int, removed: Int) {
        var out = FileLinesWriter()
        var (put, removed) = (0, 0)
        let before = index?.entries ?? []
        var at = before.startIndex
        func remove(_ entry: StatIndex.Entry) {
            out.remove(full(entry.path))
            removed += 1
        }
        for entry in entries {
            while at < before.endIndex, TreeChanges.isBefore(before[at].path, entry.path) {
                remove(before[at])
                at += 1
            }
            if at < before.endIndex, PathKey(before[at].path) == PathKey(entry.path) {
                at += 1
                if before[at - 1].digest == entry.digest { continue }
            }
            out.put(
                path: full(entry.path), digest: entry.digest, sizeBytes: entry.stamp.sizeBytes, chunks: entry.chunks)
            put += 1
        }
        for entry in before[at...] { remove(entry) }
        if let metadata {
            let (digest, format) = try await Self.sendMetadata(metadata, sender)
            out.metadata(digest, format)
        }
        return (out.bytes, put, removed)
    }

    private func full(_ path: String) -> String { prefix.isEmpty ? path : prefix + "/" + path }

    /// Sends a table about the files.
    static func sendMetadata(
        _ path: String, _ sender: ObjectSender
    ) async throws -> (Digest, FileChange.MetadataFormat) {
        let formats: [String: FileChange.MetadataFormat] = [
            "csv": .csv, "parquet": .parquet, "ndjson": .ndjson, "jsonl": .ndjson,
        ]
        guard let format = path.split(separator: ".").last.flatMap({ formats[$0.lowercased()] }) else {
            throw SlipwayError.field(
                "metadata", "the ending of '\(path)' is not known", expected: ".csv, .parquet, .ndjson or .jsonl")
        }
        guard let stamp = FileStamp(path) else { throw SlipwayError(.notFound, "There is no file \(path).") }
        guard stamp.sizeBytes <= ObjectFrames.maximumBytes else {
            throw SlipwayError(.tooLarge, "\(path) is over \(ObjectFrames.maximumBytes) bytes; write it as Parquet.")
        }
        let bytes = try FileBytes.whole(path, stamp)
        let digest = Digest.of(bytes)
        try await sender.sendMissing([(digest, bytes)])
        return (digest, format)
    }

    /// What would only come out at the commit is said before gigabytes are sent.
    static func requirePlace(_ client: APIClient, _ dataset: String, _ project: String) async throws {
        do {
            let known = try await client.get("/api/v1/datasets/\(percentEncode(dataset))")
            guard known["kind"]?.stringValue != Dataset.Kind.table.rawValue else {
                throw SlipwayError(
                    .invalid,
                    "\(dataset) holds rows, not files. Use 'slipway data append' for rows, or another dataset for files.",
                    ref: Ref(.dataset, dataset))
            }
        } catch let error as SlipwayError where error.code == .notFound {
            _ = try await client.get("/api/v1/projects/\(percentEncode(project))")
        }
    }

    private func commit(_ lines: [UInt8], _ base: StatIndex.Base?) async throws -> JSONValue {
        // The folder is all of the dataset only if nobody else put anything into it.
        let bytes = try await client.exchange(
            "POST", "/api/v1/datasets/\(percentEncode(dataset))/files",
            query: [
                ("project", project), ("branch", branch), ("mode", replace ? "replace" : "update"),
                ("base", base.map { String($0.version) }), ("baseDigest", base?.digest), ("message", message),
                ("origin", "file://" + Self.host + (try LocalFolder.absolute(folder))),
            ], lines, contentType: "application/x-ndjson")
        return try JSONValue(parsing: bytes)
    }

    /// This machine's name, for the lineage.
    static var host: String {
        var name = [CChar](repeating: 0, count: 256)
        guard gethostname(&name, 255) == 0 else { return "" }
        return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
