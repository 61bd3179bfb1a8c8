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

/// A file of our own changed last longest ago, and how many bytes all of a folder's files have.
func oldestFile(in folder: String) -> (path: String, totalBytes: Int64)? {
    var oldest: (path: String, time: Int)?
    var total: Int64 = 0
    for name in (try? listFolder(folder)) ?? [] {
        var status = stat()
        guard stat(folder + "/" + name, &status) == 0 else { continue }
        total += Int64(status.st_size)
        #if canImport(Glibc)
            let time = status.st_mtim.tv_sec
        #else
            let time = status.st_mtimespec.tv_sec
        #endif
        if time < oldest?.time ?? Int.max { oldest = (folder + "/" + name, time) }
    }
    return oldest.map { ($0.path, total) }
}

/// Whether there is such a file; its time becomes now.
func touchFile(_ path: String) -> Bool { utime(path, nil) == 0 }
