import Client
import Core
import Objects
import Synchronization
import Transport

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The files of one version on a server.
struct CheckoutSource: Sendable {
    let client: APIClient
    /// Of the version: `/api/v1/datasets/photos/versions/3`.
    let path: String

    /// The files of a folder of the dataset, with paths from it on; of the whole dataset also what it says about them.
    func files(prefix: String) async throws -> [FolderCheckout.Wanted] {
        var files: [FolderCheckout.Wanted] = []
        for start in prefix.isEmpty ? ["", FilesTree.reserved] : [prefix + "/"] {
            var after: String?
            repeat {
                let page = try await Retry.few {
                    try await client.get(
                        path + "/files", query: [("prefix", start), ("limit", "10000"), ("after", after)])
                }
                for item in page["items"]?.arrayValue ?? [] {
                    let fields = try JSONFields(item)
                    let full = try fields.string("path")
                    files.append(
                        .init(
                            path: try RelativePath(
                                parsing: prefix.isEmpty ? full : String(full.dropFirst(start.count))),
                            full: full, digest: try Digest(parsing: fields.string("digest")),
                            sizeBytes: Int64(try fields.int("sizeBytes"))))
                }
                after = page["next"]?.stringValue
            } while after != nil
        }
        return files
    }

    func url(_ path: String) -> String {
        self.path + "/files/" + path.split(separator: "/").map { percentEncode(String($0)) }.joined(separator: "/")
    }

    /// Small files, in the order of their paths.
    func small(_ files: [FolderCheckout.Wanted]) async throws -> [[UInt8]] {
        let lines = files.map(\.full).joined(separator: "\n")
        let frames = try await Retry.few {
            try await client.exchange("POST", path + "/fetch", Array(lines.utf8), contentType: "text/plain")
        }
        var (parser, contents): (ObjectFrameParser, [[UInt8]]) = (ObjectFrameParser(), [])
        contents.reserveCapacity(files.count)
        try parser.feed(frames) { _, bytes in contents.append(bytes) }
        try parser.finish()
        guard contents.count == files.count else {
            throw SlipwayError(.unavailable, "The server's answer was cut short. Run the same command again.")
        }
        return contents
    }
}

/// Fetches some files and puts them into the folder.
struct CheckoutWriter: Sendable {
    let source: CheckoutSource
    let root: String
    let cache: LinkCache?
    let progress: TransferProgress

    func fetch(
        _ files: [FolderCheckout.Wanted], on pool: BlockingPool
    ) async throws -> (entries: [StatIndex.Entry], copies: Int) {
        // What the cache has needs no server.
        let (root, cache, progress) = (root, cache, progress)
        let (linked, rest) = try await pool.run { _ in
            guard let cache else { return ([StatIndex.Entry](), files) }
            let target = try LocalTarget(root)
            var (linked, rest): ([StatIndex.Entry], [FolderCheckout.Wanted]) = ([], [])
            for file in files {
                if let stamp = try cache.link(file.digest, file.sizeBytes, to: file.path, in: target) {
                    linked.append(.init(path: file.path.description, stamp: stamp, digest: file.digest, chunks: nil))
                    progress.done(files: 1, bytes: file.sizeBytes)
                } else {
                    rest.append(file)
                }
            }
            return (linked, rest)
        }
        if rest.isEmpty { return (linked, 0) }
        if rest.count == 1, rest[0].sizeBytes > 4 << 20 {
            let (entry, isCopy) = try await large(rest[0], pool)
            return (linked + [entry], isCopy ? 1 : 0)
        }
        let contents = try await source.small(rest)
        let written = try await pool.run { cancellation in
            let target = try LocalTarget(root)
            var (entries, copies): ([StatIndex.Entry], Int) = ([], 0)
            for (file, bytes) in zip(rest, contents) {
                try cancellation.check()
                guard Digest.of(bytes) == file.digest else { throw Self.wrong(file) }
                var stamp: FileStamp?
                if let cache {
                    try cache.put(bytes, file.digest)
                    stamp = try cache.link(file.digest, file.sizeBytes, to: file.path, in: target, isFresh: true)
                    if stamp == nil { copies += 1 }
                }
                let final = try stamp ?? target.write(bytes, to: file.path)
                entries.append(.init(path: file.path.description, stamp: final, digest: file.digest, chunks: nil))
                progress.done(files: 1, bytes: Int64(bytes.count))
            }
            return (entries, copies)
        }
        return (linked + written.0, written.1)
    }

    /// A file that is fetched alone; what an earlier try got of it is kept.
    private func large(
        _ file: FolderCheckout.Wanted, _ pool: BlockingPool
    ) async throws -> (entry: StatIndex.Entry, isCopy: Bool) {
        let part = "\(root)/.slipway/tmp/\(file.digest.hex).part"
        for attempt in 1... {
            let have = min(FileStamp(part)?.sizeBytes ?? 0, file.sizeBytes)
            if have < file.sizeBytes {
                progress.done(files: 0, bytes: attempt == 1 ? have : 0)
                try await Retry.few {
                    let start = min(FileStamp(part)?.sizeBytes ?? 0, file.sizeBytes)
                    if start == file.sizeBytes { return }
                    let sink = try PartFile(part)
                    try await source.client.stream(source.url(file.full), range: start..<file.sizeBytes) {
                        try sink.append($0, whole: file.sizeBytes)
                        progress.done(files: 0, bytes: Int64($0.count))
                    }
                }
            }
            let isRight = try await pool.run { _ in try LocalFile.hash(part).digest == file.digest }
            if isRight { break }
            removeFile(part)
            if attempt == 2 { throw Self.wrong(file) }
        }
        let (root, cache) = (root, cache)
        let (stamp, isCopy) = try await pool.run { _ in
            let target = try LocalTarget(root)
            if let cache {
                try cache.adopt(part, file.digest)
                if let stamp = try cache.link(file.digest, file.sizeBytes, to: file.path, in: target, isFresh: true) {
                    return (stamp, false)
                }
            }
            return (try target.move(part, to: file.path), cache != nil)
        }
        progress.done(files: 1, bytes: 0)
        return (.init(path: file.path.description, stamp: stamp, digest: file.digest, chunks: nil), isCopy)
    }

    private static func wrong(_ file: FolderCheckout.Wanted) -> SlipwayError {
        SlipwayError(.unavailable, "The bytes of '\(file.full)' that came are not those of the version. Try again.")
    }
}

/// A file that grows as its bytes come. Unchecked because its one user, a transfer, calls it from one thread at a time.
final class PartFile: @unchecked Sendable {
    private let descriptor: Int32
    private let path: String

    init(_ path: String) throws {
        self.path = path
        descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0o644)
        guard descriptor >= 0 else { throw LocalTarget.failure("made", path, needed: 0) }
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    func append(_ bytes: [UInt8], whole: Int64) throws {
        do { try LocalTarget.writeAll(descriptor, bytes, path) } catch let error as SlipwayError
            where error.details["missingBytes"] != nil
        {
            // All that is still to come, not only this piece.
            let have = FileStamp(path)?.sizeBytes ?? 0
            throw LocalTarget.full(path, needed: whole - have, free: LocalTarget.freeBytes(path))
        }
    }
}

/// The client's own objects, for checkouts whose files are hard links: read-only files under their digests.
final class LinkCache: Sendable {
    private let folder: String

    init() throws {
        folder = StatIndex.cacheFolder + "/objects"
        try makeFolder(folder + "/tmp")
    }

    private func path(_ digest: Digest) -> String { "\(folder)/\(digest.hex.prefix(2))/\(digest.hex.dropFirst(2))" }

    /// Links a file into a folder; nil if the cache does not have it, or the disk is another one.
    ///
    /// - Parameter isFresh: it was written by this program just now; else its bytes are looked at, since a link can be
    ///   written through.
    func link(
        _ digest: Digest, _ size: Int64, to target: RelativePath, in folder: LocalTarget, isFresh: Bool = false
    ) throws -> FileStamp? {
        let source = path(digest)
        guard let stamp = FileStamp(source), stamp.sizeBytes == size else { return nil }
        if !isFresh, try LocalFile.hash(source).digest != digest {
            unlink(source)
            return nil
        }
        return try folder.link(source, to: target)
    }

    func put(_ bytes: [UInt8], _ digest: Digest) throws {
        let temporary = "\(folder)/tmp/\(ID.make())"
        let file = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o444)
        guard file >= 0 else { throw LocalTarget.failure("made", temporary, needed: Int64(bytes.count)) }
        defer { close(file) }
        do {
            try LocalTarget.writeAll(file, bytes, temporary)
            try place(temporary, digest)
        } catch {
            unlink(temporary)
            throw error
        }
    }

    /// Links somebody's file, whose bytes were looked at, as the object.
    func adopt(_ path: String, _ digest: Digest) throws {
        let temporary = "\(folder)/tmp/\(ID.make())"
        // From another disk it is not kept: the checkout then moves the file itself.
        guard Glibc.link(path, temporary) == 0 else { return }
        chmod(temporary, 0o444)
        try place(temporary, digest)
    }

    private func place(_ temporary: String, _ digest: Digest) throws {
        let final = path(digest)
        mkdir("\(folder)/\(digest.hex.prefix(2))", 0o755)
        guard rename(temporary, final) == 0 else { throw LocalTarget.failure("written", final, needed: 0) }
    }
}
