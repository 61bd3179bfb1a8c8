import Core

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Blocking reads and writes; for threads of one's own.
extension Descriptor {
    /// Opens a file for reading.
    ///
    /// - Throws: `unavailable`, with the reason.
    public static func reading(_ path: String) throws -> Descriptor { try open(path, O_RDONLY) }

    /// Makes a file, or empties one, for writing.
    ///
    /// - Throws: `unavailable`, with the reason.
    public static func writing(_ path: String) throws -> Descriptor { try open(path, O_WRONLY | O_CREAT | O_TRUNC) }

    /// Reads some bytes into `buffer`; 0 is the end.
    public func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        while true {
            #if canImport(Glibc)
                let count = Glibc.read(number, buffer.baseAddress, buffer.count)
            #else
                let count = Darwin.read(number, buffer.baseAddress, buffer.count)
            #endif
            if count >= 0 { return count }
            guard errno == EINTR else { throw SlipwayError(.unavailable, "Reading failed: \(SystemError.current).") }
        }
    }

    /// Writes all of `bytes`. A reader that is gone is an error, not a signal, on sockets; pipes need SIGPIPE ignored.
    public func write(_ bytes: [UInt8]) throws {
        try bytes.withUnsafeBytes { try write($0) }
    }

    func write(_ bytes: UnsafeRawBufferPointer) throws {
        var at = 0
        while at < bytes.count {
            #if canImport(Glibc)
                let count = Glibc.write(number, bytes.baseAddress.map { $0 + at }, bytes.count - at)
            #else
                let count = Darwin.write(number, bytes.baseAddress.map { $0 + at }, bytes.count - at)
            #endif
            if count > 0 {
                at += count
            } else if errno != EINTR {
                throw SlipwayError(.unavailable, "Writing failed: \(SystemError.current).")
            }
        }
    }

    /// Everything up to the end or a failure; what is beyond the limit is read and dropped.
    func readAll(keepingFirst limit: Int) -> [UInt8] {
        var kept: [UInt8] = []
        readChunks { chunk in kept.append(contentsOf: chunk.prefix(max(0, limit - kept.count))) }
        return kept
    }

    /// The last bytes before the end.
    func readAll(keepingLast limit: Int) -> [UInt8] {
        var kept: [UInt8] = []
        readChunks { chunk in
            kept.append(contentsOf: chunk)
            if kept.count > 2 * limit { kept.removeFirst(kept.count - limit) }
        }
        return kept.suffix(limit)
    }

    private func readChunks(_ take: (ArraySlice<UInt8>) -> Void) {
        var buffer = [UInt8](repeating: 0, count: 64 * 1024)
        while let count = try? buffer.withUnsafeMutableBytes({ try read(into: $0) }), count > 0 {
            take(buffer[..<count])
        }
    }
}
