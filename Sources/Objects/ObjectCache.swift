import Core
import Synchronization
import Transport

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Local copies of objects that live elsewhere, for those who need a file. Bounded: when it has grown past its limit,
/// copies that were not asked for lately go, but never within ten minutes of being handed out.
public final class ObjectCache: Sendable {
    private let folder: String
    private let maximumBytes: Int64
    private let pool: BlockingPool
    private let locks = DigestLocks()
    /// Bytes in the cache; nil until the folder was looked through.
    private let total = Mutex<Int64?>(nil)

    /// How long a file that was handed out stays.
    private static let handOutSeconds = 600.0

    public init(folder: String, maximumBytes: Int64, pool: BlockingPool) throws {
        self.folder = folder
        self.maximumBytes = maximumBytes
        self.pool = pool
        try Files.makeFolders(folder)
    }

    /// The file with the object's bytes; `fetch` appends them to a new one if there is none. Several who want the same
    /// object wait for one download.
    func path(of digest: Digest, fetch: @Sendable (StagedFile) async throws -> Void) async throws -> String {
        let final = "\(folder)/\(digest.hex)"
        return try await locks.alone(digest) {
            if try await pool.run({ _ in utimensat(AT_FDCWD, final, nil, AT_SYMLINK_NOFOLLOW) == 0 }) { return final }
            let folder = folder
            let file = try await pool.run { _ in try StagedFile(in: folder) }
            try await fetch(file)
            try await pool.run { [self] _ in
                let object = try file.finish()
                guard object.digest == digest else {
                    throw SlipwayError.damaged(digest, "its bytes have another SHA-256")
                }
                // A power cut must not leave the name without the bytes.
                try Files.sync(file.path)
                guard rename(file.take(), final) == 0 else { throw Files.failure("renamed", final) }
                try noteGrowth(by: object.sizeBytes)
            }
            return final
        }
    }

    private func noteGrowth(by bytes: Int64) throws {
        let isFull = total.withLock { total in
            guard let known = total else { return true }
            total = known + bytes
            return known + bytes > maximumBytes
        }
        if isFull { try evict() }
    }

    /// Counts what is there and removes the copies that were longest unused until the rest fits. Remains of downloads
    /// that a crash ended go too.
    private func evict() throws {
        let cutoff = Clock.system.now().adding(seconds: -Self.handOutSeconds)
        var files: [(path: String, status: Files.Status)] = []
        for name in try Files.names(in: folder) ?? [] {
            let path = "\(folder)/\(name)"
            guard let status = Files.status(path), status.isFile else { continue }
            if name.hasSuffix(".part") {
                if status.modified < Clock.system.now().adding(seconds: -24 * 3600) { unlink(path) }
            } else {
                files.append((path, status))
            }
        }
        var sum = files.reduce(0) { $0 + $1.status.sizeBytes }
        for file in files.sorted(by: { $0.status.modified < $1.status.modified })
        where sum > maximumBytes && file.status.modified < cutoff {
            if unlink(file.path) == 0 { sum -= file.status.sizeBytes }
        }
        let remaining = sum
        total.withLock { $0 = remaining }
    }
}
