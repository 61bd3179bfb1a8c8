import Core
import Transport

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Files on this machine that go into the store or come from it. Blocking.
public enum LocalFile {
    /// Size and SHA-256 of a plain file, in constant memory.
    ///
    /// - Throws: `notFound`; `invalid` for symbolic links, folders and devices; `conflict` if it changes meanwhile.
    public static func hash(_ path: String, _ cancellation: Cancellation = Cancellation()) throws -> ObjectInfo {
        let file = try PlainFile(opening: path)
        let digest = try Files.hash(file.descriptor, path, 0..<Int64.max, cancellation)
        try file.requireUnchanged()
        return ObjectInfo(digest: digest, sizeBytes: file.status.sizeBytes)
    }

    /// Puts a file that the store handed out (`localPath`) somewhere, and makes the folders above it.
    ///
    /// - Parameter linking: as a second name of the same file, if that is on the same disk. Who could write to it, or change
    ///   its mode, could change the stored object: only for folders that are given away read-only, and that nobody else may
    ///   enter. A symbolic link would lead out of a sandbox.
    /// - Throws: `conflict` if something is there already; `unavailable`, also for a full disk, in which case nothing stays
    ///   there.
    public static func place(_ source: String, at target: String, linking: Bool) throws {
        if let slash = target.lastIndex(of: "/"), slash != target.startIndex {
            try Files.makeFolders(String(target[..<slash]))
        }
        if linking, link(source, target) == 0 { return }
        let input = open(source, O_RDONLY | O_CLOEXEC)
        guard input >= 0 else { throw Files.failure("opened", source) }
        defer { close(input) }
        let output = open(target, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o644)
        guard output >= 0 else {
            guard errno == EEXIST else { throw Files.failure("made", target) }
            let name = target.split(separator: "/").last.map(String.init) ?? target
            throw SlipwayError(.conflict, "There is something at '\(name)' already; files are put into empty folders.")
        }
        defer { close(output) }
        do {
            var rest = try Files.status(input, source).sizeBytes
            try Files.forEachBlock(input, source, 0..<Int64.max) { block in
                try Files.writeAll(output, target, block, ofWhichMissing: rest)
                rest -= Int64(block.count)
            }
        } catch {
            unlink(target)
            throw error
        }
    }
}
