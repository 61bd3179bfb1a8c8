import Core

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A file that is written and hashed at the same time, under a temporary name. Blocking; used by one thread at a time,
/// which is why it may be unchecked. Its file is removed with it, unless it was finished and taken.
final class StagedFile: @unchecked Sendable {
    let path: String
    private(set) var sizeBytes: Int64 = 0
    private var descriptor: Int32
    private let hasher = Hasher256()
    private var isTaken = false
    private let expectedBytes: Int64?

    /// - Parameters:
    ///   - folder: exists already.
    ///   - expectedBytes: how many will come, if that is known: to say how many are missing on a full disk.
    init(in folder: String, expectedBytes: Int64? = nil) throws {
        self.expectedBytes = expectedBytes
        path = "\(folder)/\(ID.make()).part"
        descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Files.failure("made", path) }
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
        if !isTaken { unlink(path) }
    }

    func append(_ bytes: UnsafeRawBufferPointer) throws {
        hasher.update(bytes)
        try Files.writeAll(descriptor, path, bytes, ofWhichMissing: expectedBytes.map { $0 - sizeBytes })
        sizeBytes += Int64(bytes.count)
    }

    func append(_ bytes: [UInt8]) throws { try bytes.withUnsafeBytes { try append($0) } }

    /// Makes the file read-only. It is not synced: whoever needs that knows whether he does.
    func finish() throws -> ObjectInfo {
        guard fchmod(descriptor, 0o444) == 0 else { throw Files.failure("made read-only", path) }
        close(descriptor)
        descriptor = -1
        return ObjectInfo(digest: hasher.finalize(), sizeBytes: sizeBytes)
    }

    /// From here on the file belongs to who called this.
    func take() -> String {
        isTaken = true
        return path
    }
}
