import Core

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Files that a command makes for itself while it works.
enum WorkFile {
    /// A new file of the temporary folder, gone afterwards.
    static func with<T>(_ body: (String) async throws -> T) async throws -> T {
        let folder = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        let path = "\(folder)/slipway-\(ID.make())"
        // Private from the beginning: it may hold what a database does.
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw SlipwayError(.unavailable, "\(path) cannot be made: \(String(cString: strerror(errno))).")
        }
        close(descriptor)
        defer { unlink(path) }
        return try await body(path)
    }

    /// Hands over a file's lines, one after the other.
    ///
    /// - Parameter ended: passes over a last line without an end: somebody is writing it.
    static func lines(of path: String, ended: Bool = false, _ body: ([UInt8]) async throws -> Void) async throws {
        guard let file = fopen(path, "r") else { throw SlipwayError(.notFound, "There is no file \(path).") }
        defer { fclose(file) }
        var line: UnsafeMutablePointer<CChar>?
        var capacity = 0
        defer { free(line) }
        while true {
            let count = getline(&line, &capacity, file)
            guard count > 0, let line else { return }
            let bytes = UnsafeRawBufferPointer(start: line, count: count)
            if ended, bytes.last != 10 { return }
            try await body(Array(bytes.last == 10 ? UnsafeRawBufferPointer(rebasing: bytes.dropLast()) : bytes))
        }
    }
}
