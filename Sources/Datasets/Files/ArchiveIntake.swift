import Archives
import Core
import Objects
import Platform
import Transport
import Web

extension DatasetsService {
    static let archiveMaximumBytes: Int64 = 64 << 30

    /// Makes a version of what an archive holds. The archive is read only once it is here whole; it and what is unpacked
    /// of it never lie under names that it chose.
    func commitArchive(
        _ commit: FilesCommit, _ body: RequestBody, _ format: ArchiveFormat, prefix: RelativePath?,
        as principal: Principal
    ) async throws -> FilesOutcome {
        try principal.require(.writeDatasets, in: commit.project)
        let folder = try platform.scratchFolder()
        defer { removeFolder(folder) }
        let path = folder + "/archive"
        let file = try WorkFile(path)
        var bytes: Int64 = 0
        for try await piece in body {
            bytes += Int64(piece.count)
            guard bytes <= Self.archiveMaximumBytes else {
                throw SlipwayError(
                    .tooLarge, "The archive is over \(Self.archiveMaximumBytes) bytes.",
                    details: ["limit": String(Self.archiveMaximumBytes)])
            }
            try file.write(piece)
        }
        try file.close()
        let files = ArchiveBatches(
            unpacker: try ArchiveUnpacker(path, format, prefix: prefix, folder: folder), store: platform.objects)
        return try await commitFiles(commit, changes: files, as: principal)
    }
}

/// Reads what is compressed.
let archiveWork = BlockingPool(name: "archives", threads: 2)

/// The files of an archive, put into the store some at a time.
struct ArchiveBatches: AsyncSequence {
    typealias Element = [FileChange]
    typealias Failure = any Error

    let unpacker: ArchiveUnpacker
    let store: ObjectStore

    func makeAsyncIterator() -> Iterator { Iterator(unpacker: unpacker, store: store) }

    struct Iterator: AsyncIteratorProtocol {
        typealias Failure = any Error
        let unpacker: ArchiveUnpacker
        let store: ObjectStore

        mutating func next() async throws -> [FileChange]? {
            let unpacker = unpacker
            guard let unpacked = try await archiveWork.run({ try unpacker.next($0) }) else { return nil }
            var changes: [FileChange] = []
            let small = try await store.putMany(unpacked.small.map(\.bytes))
            for (file, object) in zip(unpacked.small, small) {
                changes.append(
                    .put(path: file.path, digest: object.digest, sizeBytes: object.sizeBytes, chunks: nil))
            }
            if let large = unpacked.large {
                let whole = try await store.putChunked(file: large.file)
                changes.append(
                    .put(
                        path: large.path, digest: whole.object.digest, sizeBytes: whole.object.sizeBytes,
                        chunks: whole.chunks))
                removeFile(large.file)
            }
            return changes
        }
    }
}

/// Unpacks an archive in pieces that fit into memory. For one thread at a time, which is why it may be unchecked.
final class ArchiveUnpacker: @unchecked Sendable {
    struct Unpacked: Sendable {
        var small: [(path: RelativePath, bytes: [UInt8])] = []
        var large: (path: RelativePath, file: String)?
    }

    private let reader: ArchiveReader
    private let prefix: RelativePath?
    private let folder: String
    private var isEmpty = true

    init(_ path: String, _ format: ArchiveFormat, prefix: RelativePath?, folder: String) throws {
        reader = try ArchiveReader(path: path, format: format)
        self.prefix = prefix
        self.folder = folder
    }

    /// The next files; nil after the last.
    func next(_ cancellation: Cancellation) throws -> Unpacked? {
        var (unpacked, bytes) = (Unpacked(), 0)
        while bytes < ObjectFrames.batchBytes, unpacked.large == nil {
            try cancellation.check()
            guard let entry = try reader.next() else { break }
            let path =
                try prefix.map { try RelativePath(parsing: "\($0)/\(entry.path)") } ?? entry.path
            guard !FilesTree.isReserved(path.description) else {
                throw SlipwayError.field(
                    "path", "'\(path)' is in the folder .slipway", expected: "an archive without it")
            }
            isEmpty = false
            if entry.sizeBytes < ChunkedFile.thresholdBytes {
                var content: [UInt8] = []
                content.reserveCapacity(Int(entry.sizeBytes))
                while content.count < Int(entry.sizeBytes) { content += try reader.read(maximumBytes: 1 << 20) }
                try requireReasonableImage(content, name: "'\(entry.path)'")
                bytes += content.count
                unpacked.small.append((path, content))
            } else {
                let name = folder + "/" + ID.make()
                let file = try WorkFile(name)
                var isFirst = true
                while true {
                    try cancellation.check()
                    let piece = try reader.read(maximumBytes: 1 << 20)
                    if piece.isEmpty { break }
                    if isFirst { try requireReasonableImage(piece, name: "'\(entry.path)'") }
                    isFirst = false
                    try file.write(piece)
                }
                try file.close()
                unpacked.large = (path, name)
            }
        }
        guard !isEmpty else { throw SlipwayError(.invalid, "The archive has no files.") }
        return unpacked.small.isEmpty && unpacked.large == nil ? nil : unpacked
    }
}
