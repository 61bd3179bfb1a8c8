import Core
import Objects
import Platform
import Transport

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

extension Platform {
    /// A new folder for work under way; the caller removes it.
    public func scratchFolder() throws -> String {
        let path = dataDirectory + "/tmp/datasets/" + ID.make()
        try makeFolder(path)
        return path
    }

    /// Removes what a server that was killed left of its work.
    func removeScratchFolders() {
        let folder = dataDirectory + "/tmp/datasets"
        for name in (try? listFolder(folder)) ?? [] { removeFolder(folder + "/" + name) }
    }
}

/// Work that reads whole files, on threads of its own.
let fileWork = BlockingPool(name: "datasets", threads: 2)

/// The digest of a file's bytes.
func digest(ofFile path: String) async throws -> Digest {
    try await fileWork.run { try LocalFile.hash(path, $0).digest }
}

/// Makes a folder and those above it.
func makeFolder(_ path: String) throws {
    var built = ""
    for part in path.split(separator: "/") {
        built += "/" + part
        guard mkdir(built, 0o755) == 0 || errno == EEXIST else {
            throw SlipwayError(
                .unavailable, "A work folder cannot be made: \(String(cString: strerror(errno))).",
                details: ["folder": path])
        }
    }
}

/// Removes a folder of ours and the files in it (one level).
public func removeFolder(_ path: String) {
    for name in (try? listFolder(path)) ?? [] { unlink(path + "/" + name) }
    rmdir(path)
}

func listFolder(_ path: String) throws -> [String] {
    guard let folder = opendir(path) else { throw SlipwayError(.notFound, "There is no folder \(path).") }
    defer { closedir(folder) }
    var names: [String] = []
    while let entry = readdir(folder) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) {
            $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted()
}

func isEmptyFile(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_size == 0
}

/// The files that an absolute path or glob names, each resolved to its real place.
///
/// - Throws: `forbidden` for files outside `roots` (also through links), `notFound` when nothing matches.
func expand(glob pattern: String, within roots: [String]) throws -> [String] {
    guard pattern.hasPrefix("/") else {
        throw SlipwayError.field(
            "location", "'\(pattern.prefix(120))' is not absolute",
            expected: "a path or glob such as /data/sales/*.parquet")
    }
    // Looked at before the disk is, so that a refusal tells nothing about what is there.
    let literal = pattern.prefix { !"*?[".contains($0) }
    guard let slash = literal.lastIndex(of: "/") else { throw outside(pattern, roots) }
    let start = String(literal[..<slash])
    if let real = realpath(start.isEmpty ? "/" : start, nil) {
        defer { free(real) }
        guard isWithin(String(cString: real), roots) else { throw outside(pattern, roots) }
    } else {
        guard isWithin(start, roots), !start.split(separator: "/").contains("..") else { throw outside(pattern, roots) }
    }
    var matches = glob_t()
    defer { globfree(&matches) }
    guard glob(pattern, GLOB_NOSORT, nil, &matches) == 0 else {
        throw SlipwayError(.notFound, "No file matches \(pattern).", details: ["location": pattern])
    }
    var files: [String] = []
    for index in 0..<Int(matches.gl_pathc) {
        guard let path = matches.gl_pathv[index], let real = realpath(path, nil) else { continue }
        defer { free(real) }
        let resolved = String(cString: real)
        var status = stat()
        guard stat(resolved, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { continue }
        guard isWithin(resolved, roots) else { throw outside(pattern, roots) }
        files.append(resolved)
    }
    guard !files.isEmpty else {
        throw SlipwayError(.notFound, "No file matches \(pattern).", details: ["location": pattern])
    }
    guard files.count <= 10_000 else { throw SlipwayError(.tooLarge, "\(pattern) matches more than 10000 files.") }
    return files.sorted()
}

/// Whether a path without links is one of the folders or below it.
private func isWithin(_ path: String, _ roots: [String]) -> Bool {
    roots.contains { $0 == path || path.hasPrefix($0.hasSuffix("/") ? $0 : $0 + "/") }
}

private func outside(_ pattern: String, _ roots: [String]) -> SlipwayError {
    SlipwayError(
        .forbidden,
        "\(pattern) leads outside the folders that sources may read (\(roots.joined(separator: ", "))). Start the server with --source-root to allow another.",
        details: ["location": pattern])
}
