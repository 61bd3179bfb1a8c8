import Core

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Somebody's file, opened to be stored: a plain file that must not change meanwhile. Blocking.
final class PlainFile: Sendable {
    let path: String
    let descriptor: Int32
    let status: Files.Status
    private let name: String

    /// - Throws: `notFound`; `invalid` for symbolic links, folders and devices.
    init(opening path: String) throws {
        self.path = path
        name = path.split(separator: "/").last.map(String.init) ?? path
        descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else {
            let cause = FileFailure(verb: "opened", path: path, number: errno)
            switch errno {
            case ENOENT: throw SlipwayError(.notFound, "There is no file '\(name)' to store.", cause: cause)
            case ELOOP: throw SlipwayError.field("path", "'\(name)' is a symbolic link", expected: "a plain file")
            default: throw Files.failure("opened", path)
            }
        }
        do {
            status = try Files.status(descriptor, path)
        } catch {
            close(descriptor)
            throw error
        }
        guard status.isFile else {
            close(descriptor)
            throw SlipwayError.field("path", "'\(name)' is not a plain file", expected: "a plain file")
        }
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// - Throws: `conflict` if somebody wrote to the file since it was opened.
    func requireUnchanged() throws {
        let after = try Files.status(descriptor, path)
        guard after.sizeBytes == status.sizeBytes, after.modified == status.modified else {
            throw SlipwayError(
                .conflict, "The file '\(name)' changed while it was stored. Store it when nobody writes it any more.")
        }
    }
}
