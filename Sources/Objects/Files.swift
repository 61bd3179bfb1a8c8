import Core
import Transport

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A failed system call. The message to the client does not show the path: it is this machine's business.
struct FileFailure: Error, CustomStringConvertible {
    let verb: String
    let path: String
    let number: Int32

    var description: String { "\(path) could not be \(verb): \(String(cString: strerror(number)))" }
}

/// Blocking file calls, for the threads of a `BlockingPool`.
enum Files {
    /// What `errno` says of the last call.
    ///
    /// - Parameter neededBytes: how many were still to be written, as far as that is known.
    static func failure(_ verb: String, _ path: String, neededBytes: Int64? = nil) -> SlipwayError {
        let number = errno
        let cause = FileFailure(verb: verb, path: path, number: number)
        switch number {
        case ENOSPC, EDQUOT: return diskIsFull(path, neededBytes: neededBytes, cause)
        case EACCES, EPERM, EROFS:
            return SlipwayError(
                .unavailable,
                "The object store may not write to its folder: \(String(cString: strerror(number))). Check its owner and mode.",
                cause: cause)
        default:
            return SlipwayError(
                .unavailable, "A file of the object store could not be \(verb): \(String(cString: strerror(number))).",
                cause: cause)
        }
    }

    /// A disk may be full by its quota, its reserve for root or its number of files, so there may be free bytes.
    private static func diskIsFull(_ path: String, neededBytes: Int64?, _ cause: FileFailure) -> SlipwayError {
        guard let neededBytes else {
            return SlipwayError(.unavailable, "The disk is full. Free some space and try again.", cause: cause)
        }
        var disk = statvfs()
        let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
        let free = statvfs(folder, &disk) == 0 ? Int64(disk.f_bavail) * Int64(disk.f_frsize) : 0
        return diskIsFull(missingBytes: free < neededBytes ? neededBytes - free : neededBytes, freeBytes: free, cause)
    }

    static func diskIsFull(missingBytes: Int64, freeBytes: Int64, _ cause: (any Error)?) -> SlipwayError {
        SlipwayError(
            .unavailable,
            "The disk is full: \(missingBytes) bytes are missing (\(freeBytes) are free). Free some space and try again; what was half written is gone.",
            details: ["missingBytes": String(missingBytes), "freeBytes": String(freeBytes)], cause: cause)
    }

    /// Makes the folder and those above it that are missing.
    static func makeFolders(_ path: String) throws {
        var at = path.startIndex
        while at < path.endIndex {
            at = path[path.index(after: at)...].firstIndex(of: "/") ?? path.endIndex
            let part = String(path[..<at])
            if mkdir(part, 0o755) != 0, errno != EEXIST { throw failure("made", part) }
        }
        guard status(path)?.isFolder == true else {
            errno = ENOTDIR
            throw failure("used as a folder", path)
        }
    }

    static func syncFolder(_ path: String) throws {
        let folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { throw failure("opened", path) }
        defer { close(folder) }
        guard fsync(folder) == 0 else { throw failure("synced", path) }
    }

    struct Status {
        let sizeBytes: Int64
        let modified: Timestamp
        let isFile: Bool
        let isFolder: Bool
        /// How many names the file has.
        let links: Int
        let device: UInt64
        let owner: UInt32

        init(_ raw: stat) {
            sizeBytes = Int64(raw.st_size)
            #if canImport(Glibc)
                let time = raw.st_mtim
            #else
                let time = raw.st_mtimespec
            #endif
            modified = Timestamp(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
            isFile = raw.st_mode & S_IFMT == S_IFREG
            isFolder = raw.st_mode & S_IFMT == S_IFDIR
            links = Int(raw.st_nlink)
            device = UInt64(raw.st_dev)
            owner = UInt32(raw.st_uid)
        }
    }

    /// nil if nothing has that name. Symbolic links are not followed.
    static func status(_ path: String) -> Status? {
        var raw = stat()
        return lstat(path, &raw) == 0 ? Status(raw) : nil
    }

    static func status(_ descriptor: Int32, _ path: String) throws -> Status {
        var raw = stat()
        guard fstat(descriptor, &raw) == 0 else { throw failure("looked at", path) }
        return Status(raw)
    }

    /// The names in a folder, without `.` and `..`, unsorted; nil if it does not exist.
    static func names(in path: String) throws -> [String]? {
        guard let folder = opendir(path) else {
            if errno == ENOENT { return nil }
            throw failure("listed", path)
        }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: MemoryLayout.size(ofValue: pointer.pointee)) {
                    String(cString: $0)
                }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    /// Reads up to `count` bytes from `offset` on; fewer only at the end of the file.
    static func read(_ descriptor: Int32, _ path: String, offset: Int64, count: Int) throws -> [UInt8] {
        try [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            filled = try read(descriptor, path, offset: offset, into: UnsafeMutableRawBufferPointer(buffer))
        }
    }

    /// Fills the buffer from `offset` on, and says how far: less than all only at the end of the file.
    static func read(
        _ descriptor: Int32, _ path: String, offset: Int64, into buffer: UnsafeMutableRawBufferPointer
    ) throws -> Int {
        var filled = 0
        while filled < buffer.count, let base = buffer.baseAddress {
            let n = pread(descriptor, base + filled, buffer.count - filled, off_t(offset + Int64(filled)))
            if n < 0, errno == EINTR { continue }
            guard n >= 0 else { throw failure("read", path) }
            if n == 0 { break }
            filled += n
        }
        return filled
    }

    /// Hands a range of the file, cut at its end, to `body` block by block. The block is valid only inside.
    static func forEachBlock(
        _ descriptor: Int32, _ path: String, _ range: Range<Int64>, _ body: (UnsafeRawBufferPointer) throws -> Void
    ) throws {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 4096)
        defer { buffer.deallocate() }
        var at = range.lowerBound
        while at < range.upperBound {
            let n = pread(
                descriptor, buffer.baseAddress, Int(min(Int64(buffer.count), range.upperBound - at)), off_t(at))
            if n < 0, errno == EINTR { continue }
            guard n >= 0 else { throw failure("read", path) }
            if n == 0 { return }
            try body(UnsafeRawBufferPointer(rebasing: buffer[..<n]))
            at += Int64(n)
        }
    }

    /// - Parameter needed: how many bytes were still to be written, these included, if they are not all; for the error.
    static func writeAll(
        _ descriptor: Int32, _ path: String, _ bytes: UnsafeRawBufferPointer, at offset: Int64,
        ofWhichMissing needed: Int64? = nil
    ) throws {
        var done = 0
        while let base = bytes.baseAddress, done < bytes.count {
            let n = pwrite(descriptor, base + done, bytes.count - done, off_t(offset + Int64(done)))
            if n < 0, errno == EINTR { continue }
            guard n > 0 else {
                throw failure("written", path, neededBytes: max(needed ?? 0, Int64(bytes.count)) - Int64(done))
            }
            done += n
        }
    }

    static func sync(_ path: String) throws {
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard file >= 0 else { throw failure("opened", path) }
        defer { close(file) }
        guard fsync(file) == 0 else { throw failure("synced", path) }
    }

    /// - Parameter needed: as above.
    static func writeAll(
        _ descriptor: Int32, _ path: String, _ bytes: UnsafeRawBufferPointer, ofWhichMissing needed: Int64? = nil
    ) throws {
        var done = 0
        while let base = bytes.baseAddress, done < bytes.count {
            let n = write(descriptor, base + done, bytes.count - done)
            if n < 0, errno == EINTR { continue }
            guard n > 0 else {
                throw failure("written", path, neededBytes: max(needed ?? 0, Int64(bytes.count)) - Int64(done))
            }
            done += n
        }
    }

    /// The digest of a part of a file, cut at its end.
    static func hash(_ descriptor: Int32, _ path: String, _ range: Range<Int64>, _ cancellation: Cancellation) throws
        -> Digest
    {
        let hasher = Hasher256()
        try forEachBlock(descriptor, path, range) { block in
            try cancellation.check()
            hasher.update(block)
        }
        return hasher.finalize()
    }
}
