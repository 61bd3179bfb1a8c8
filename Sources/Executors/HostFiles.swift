import Core
import Processes

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The few things that executors do with files of the host.
enum HostFiles {
    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    static func isFolder(_ path: String) -> Bool { information(path).map { $0.st_mode & S_IFMT == S_IFDIR } ?? false }

    /// Following links.
    static func information(_ path: String) -> stat? {
        var info = stat()
        return stat(path, &info) == 0 ? info : nil
    }

    static func target(ofLink path: String) -> String? {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = buffer.withUnsafeMutableBytes { raw in
            raw.baseAddress.map { readlink(path, $0.assumingMemoryBound(to: CChar.self), raw.count) } ?? -1
        }
        return count > 0 ? String(decoding: buffer[..<count], as: UTF8.self) : nil
    }

    /// The path with all links followed; nil if there is nothing.
    static func resolve(_ path: String) -> String? {
        guard let text = realpath(path, nil) else { return nil }
        defer { free(text) }
        return String(cString: text)
    }

    /// The names in a folder, in no order; empty if it cannot be read.
    static func list(_ path: String) -> [String] {
        guard let folder = opendir(path) else { return [] }
        defer { closedir(folder) }
        return names(in: folder)
    }

    static func names(in folder: OpaquePointer) -> [String] {
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    /// Opens, or makes with mode 0600.
    ///
    /// - Throws: `unavailable`.
    static func descriptor(_ path: String, _ flags: Int32) throws -> Descriptor {
        let number = open(path, flags | O_CLOEXEC, 0o600)
        guard number >= 0 else { throw failure("Cannot open", path) }
        return Descriptor(owning: number)
    }

    /// A small file, such as those of `/proc`; nil if it cannot be read.
    static func read(_ path: String, maximumBytes: Int = 1 << 20) -> String? {
        let number = open(path, O_RDONLY | O_CLOEXEC)
        guard number >= 0 else { return nil }
        let descriptor = Descriptor(owning: number)
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 16 * 1024)
        while bytes.count < maximumBytes {
            guard let count = try? buffer.withUnsafeMutableBytes({ try descriptor.read(into: $0) }) else { return nil }
            if count == 0 { break }
            bytes.append(contentsOf: buffer[..<count])
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Writes in one call, as the kernel's control files want it. False, with `errno`, if it fails.
    static func put(_ text: String, into path: String) -> Bool {
        let number = open(path, O_WRONLY | O_CLOEXEC)
        guard number >= 0 else { return false }
        let bytes = Array(text.utf8)
        let count = write(number, bytes, bytes.count)
        let code = errno
        close(number)
        errno = code
        return count == bytes.count
    }

    /// Makes a new file.
    static func create(_ path: String, _ bytes: [UInt8], mode: mode_t) throws {
        let number = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)
        guard number >= 0 else { throw failure("Cannot make", path) }
        try Descriptor(owning: number).write(bytes)
    }

    /// Makes a folder, with parents; one that is there is fine.
    static func makeFolder(_ path: String, mode: mode_t = 0o755) throws {
        if mkdir(path, mode) == 0 || (errno == EEXIST && isFolder(path)) { return }
        guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex else {
            throw failure("Cannot make", path)
        }
        try makeFolder(String(path[..<slash]))
        guard mkdir(path, mode) == 0 || errno == EEXIST else { throw failure("Cannot make", path) }
    }

    static func failure(_ what: String, _ path: String) -> SlipwayError {
        SlipwayError(.unavailable, "\(what) \(path): \(SystemError.current).")
    }

    /// Makes this process's user the owner of a tree that a job's user wrote, readable by others; never follows a link.
    static func takeOver(_ folder: String) {
        let number = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard number >= 0 else { return }
        takeOver(number, depth: 0)
        close(number)
    }

    private static func takeOver(_ folder: Int32, depth: Int) {
        fchown(folder, geteuid(), getegid())
        fchmod(folder, 0o755)
        guard depth < maximumDepth, let stream = fdopendir(dup(folder)) else { return }
        let names = names(in: stream)
        closedir(stream)
        for name in names {
            var info = stat()
            guard fstatat(folder, name, &info, AT_SYMLINK_NOFOLLOW) == 0 else { continue }
            fchownat(folder, name, geteuid(), getegid(), AT_SYMLINK_NOFOLLOW)
            switch info.st_mode & S_IFMT {
            case S_IFDIR:
                // An ordinary user cannot open a folder that the job closed to its own user.
                fchmodat(folder, name, 0o755, 0)
                let inner = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
                guard inner >= 0 else { continue }
                takeOver(inner, depth: depth + 1)
                close(inner)
            case S_IFREG: fchmodat(folder, name, info.st_mode & 0o100 == 0 ? 0o644 : 0o755, 0)
            default: continue
            }
        }
    }

    /// Removes a folder and all in it, never following a link out of it. Best effort: what cannot be removed stays.
    static func removeTree(_ path: String) {
        let number = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        if number >= 0 {
            empty(number, depth: 0)
            close(number)
        }
        rmdir(path)
    }

    /// Deeper trees than this are not a job's honest work; they stay, and the folder with them.
    private static let maximumDepth = 512

    private static func empty(_ folder: Int32, depth: Int) {
        // fdopendir takes the descriptor over; the caller keeps its own.
        guard depth < maximumDepth, let stream = fdopendir(dup(folder)) else { return }
        let names = names(in: stream)
        closedir(stream)
        for name in names where unlinkat(folder, name, 0) != 0 {
            guard errno == EISDIR || errno == EPERM || errno == ENOTEMPTY || errno == EACCES else { continue }
            var inner = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
            if inner < 0, errno == EACCES, fchmodat(folder, name, 0o700, 0) == 0 {
                inner = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
            }
            guard inner >= 0 else { continue }
            // A job may have taken its own permissions away.
            fchmod(inner, 0o700)
            empty(inner, depth: depth + 1)
            close(inner)
            unlinkat(folder, name, AT_REMOVEDIR)
        }
    }
}
