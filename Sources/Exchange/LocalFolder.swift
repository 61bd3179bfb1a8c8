import Core

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Folders of this machine.
enum LocalFolder {
    /// The absolute path without symbolic links.
    static func real(_ path: String) throws -> String {
        guard let real = realpath(path, nil) else {
            throw SlipwayError(.notFound, "\(path) cannot be read: \(String(cString: strerror(errno))).")
        }
        defer { free(real) }
        return String(cString: real)
    }

    /// The names of the folders in a folder, in order; symbolic links are passed over.
    static func folders(in folder: String) -> [String] {
        (entries(of: folder) ?? []).filter { kind("\(folder)/\($0)") == S_IFDIR }
    }

    static func hasFile(_ path: String) -> Bool { kind(path) == S_IFREG }

    static func exists(_ path: String) -> Bool { kind(path) != nil }

    static func isFolder(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    private static func kind(_ path: String) -> mode_t? {
        var status = stat()
        return lstat(path, &status) == 0 ? status.st_mode & S_IFMT : nil
    }

    /// The names in a folder, in order; nil when it cannot be read, for the reason that `errno` has.
    static func entries(of folder: String) -> [String]? {
        guard let handle = opendir(folder) else { return nil }
        defer { closedir(handle) }
        var names: [String] = []
        while let entry = readdir(handle) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// Makes a folder and those above it.
    static func make(_ path: String) throws {
        var made = path.hasPrefix("/") ? "" : "."
        for part in path.split(separator: "/") {
            made += "/" + part
            guard mkdir(made, 0o777) == 0 || errno == EEXIST else {
                throw SlipwayError(.unavailable, "\(path) cannot be made: \(String(cString: strerror(errno))).")
            }
        }
    }

    /// Writes a file that appears whole, through a name beside it.
    static func write(
        _ path: String, _ body: (_ append: @escaping @Sendable ([UInt8]) throws -> Void) async throws -> Void
    )
        async throws
    {
        let part = path + ".part"
        @Sendable func failure() -> SlipwayError {
            SlipwayError(.unavailable, "\(path) cannot be written: \(String(cString: strerror(errno))).")
        }
        guard let file = fopen(part, "w") else { throw failure() }
        // Used by one thread at a time: the one that hands over the bytes.
        nonisolated(unsafe) let output = file
        do {
            try await body { bytes in
                guard fwrite(bytes, 1, bytes.count, output) == bytes.count else { throw failure() }
            }
        } catch {
            fclose(file)
            unlink(part)
            throw error
        }
        guard fclose(file) == 0, rename(part, path) == 0 else { throw failure() }
    }
}
