import Core
import Objects
import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Parquet files that can be made again from their recipe, kept for the next who wants the same. Bounded: past its limit
/// the ones that were longest unused go, but never within ten minutes of being handed out.
final class TableCache: Sendable {
    private let folder: String
    private let maximumBytes: Int64
    private let locks = DigestLocks()

    private static let handOutSeconds = 600.0

    init(folder: String, maximumBytes: Int64) {
        self.folder = folder
        self.maximumBytes = maximumBytes
    }

    /// The file of a recipe; `make` writes it, whole or not at all, if it is not there. Several who want the same wait for
    /// one of them.
    func path(of recipe: Digest, make: (String) async throws -> Void) async throws -> String {
        let path = "\(folder)/\(recipe.hex).parquet"
        return try await locks.alone(recipe) {
            if utimensat(AT_FDCWD, path, nil, AT_SYMLINK_NOFOLLOW) == 0 { return path }
            try makeFolder(folder)
            try await make(path)
            evict()
            return path
        }
    }

    private func evict() {
        var files: [(path: String, bytes: Int64, used: Int)] = []
        for name in (try? listFolder(folder)) ?? [] {
            var status = stat()
            let path = "\(folder)/\(name)"
            guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { continue }
            files.append((path, Int64(status.st_size), status.st_mtim.tv_sec))
        }
        var sum = files.reduce(0) { $0 + $1.bytes }
        let cutoff = time(nil) - Int(Self.handOutSeconds)
        for file in files.sorted(by: { $0.used < $1.used }) where sum > maximumBytes && file.used < cutoff {
            if unlink(file.path) == 0 { sum -= file.bytes }
        }
    }
}
