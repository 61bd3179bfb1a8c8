import Core

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Removes a file of our own, if it is there.
func removeFile(_ path: String) { unlink(path) }

/// Writes a file of our own.
func writeFile(_ path: String, _ bytes: [UInt8]) throws {
    func failure() -> SlipwayError {
        SlipwayError(.unavailable, "A work file cannot be written: \(String(cString: strerror(errno))).")
    }
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw failure() }
    defer { close(descriptor) }
    var at = 0
    while at < bytes.count {
        let count = bytes[at...].withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { throw failure() }
        at += count
    }
}
