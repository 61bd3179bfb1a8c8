import Core

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The data folder: made on the first start, private to its owner, used by one server at a time.
struct DataFolder: Sendable {
    let path: String
    private let lock: Int32

    /// Makes the folder and takes its lock.
    ///
    /// - Throws: `unavailable` when it cannot be made; `conflict` when another server has it.
    init(_ text: String) throws {
        var path = text
        if !path.hasPrefix("/") {
            guard let cwd = getcwd(nil, 0) else {
                throw SlipwayError(.unavailable, "The working folder cannot be read.")
            }
            path = String(cString: cwd) + "/" + path
            free(cwd)
        }
        var built = ""
        for part in path.split(separator: "/") {
            built += "/" + part
            guard mkdir(built, 0o700) == 0 || errno == EEXIST || errno == EROFS else {
                throw SlipwayError(
                    .unavailable, "The data folder \(path) cannot be made: \(String(cString: strerror(errno))).")
            }
        }
        path = try Self.realPath(path)
        let lock = open(path + "/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard lock >= 0 else {
            throw SlipwayError(
                .unavailable, "The data folder \(path) is not writable: \(String(cString: strerror(errno))).")
        }
        guard flock(lock, LOCK_EX | LOCK_NB) == 0 else {
            close(lock)
            throw SlipwayError(
                .conflict,
                "Another slipway server uses the data folder \(path). Stop it, or name another folder with --data.")
        }
        self.path = path
        self.lock = lock
    }

    /// Writes a file that only its owner can read.
    func writeSecret(_ secret: Secret<String>, to name: String) throws {
        let file = path + "/" + name
        let descriptor = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        let bytes = Array((secret.reveal + "\n").utf8)
        guard descriptor >= 0, write(descriptor, bytes, bytes.count) == bytes.count, fsync(descriptor) == 0 else {
            throw SlipwayError(.unavailable, "\(file) cannot be written.")
        }
        close(descriptor)
    }

    /// A folder's real place, links resolved.
    static func realPath(_ path: String) throws -> String {
        guard let real = realpath(path, nil) else { throw SlipwayError(.notFound, "There is no folder \(path).") }
        defer { free(real) }
        return String(cString: real)
    }

    func release() { close(lock) }
}

/// The variables that this process was started with.
enum ProcessEnvironment {
    static var all: [String: String] {
        var result: [String: String] = [:]
        var entry = environ
        while let pointer = entry.pointee {
            let pair = String(cString: pointer).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if pair.count == 2 { result[String(pair[0])] = String(pair[1]) }
            entry += 1
        }
        return result
    }
}
