import CWebApplication
import Core
import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Where the pack is: in this program, or in a folder in which it is built again and again.
final class PackSource: Sendable {
    /// Larger ones are not read.
    private static let maximumBytes = 256 << 20

    private struct Version: Equatable {
        let seconds, nanoseconds, bytes: Int
        let inode: UInt
    }

    /// nil: the pack that this program carries.
    private let file: String?
    private let last = Mutex<(version: Version, pack: Pack)?>(nil)
    private let embedded: Pack?

    /// - Parameter folder: has `app.pack`, as `make ui` writes it to `ui/dist`; nil for the program's own.
    /// - Throws: `invalid` if the folder has none.
    init(folder: String?) throws {
        file = folder.map { $0 + "/app.pack" }
        if let folder {
            embedded = nil
            guard try current() != nil else {
                throw SlipwayError.field(
                    "ui", "'\(folder)' has no app.pack", expected: "the folder ui/dist after 'make ui'")
            }
        } else {
            embedded = try Self.carried()
        }
    }

    /// The pack as it is now; nil if this program was built without one.
    ///
    /// - Throws: `unavailable` if the file is broken.
    func current() throws -> Pack? {
        guard let file else { return embedded }
        var info = stat()
        guard stat(file, &info) == 0, info.st_size <= Self.maximumBytes else { return nil }
        let version = Version(
            seconds: info.st_mtim.tv_sec, nanoseconds: info.st_mtim.tv_nsec, bytes: Int(info.st_size),
            inode: UInt(info.st_ino))
        return try last.withLock { last in
            if let last, last.version == version { return last.pack }
            guard let bytes = Self.read(file) else { return nil }
            let pack = try Pack(count: bytes.count) { Array(bytes[$0]) }
            last = (version, pack)
            return pack
        }
    }

    private static func carried() throws -> Pack? {
        var count = 0
        guard slipway_ui_pack(&count) != nil else { return nil }
        return try Pack(count: count) { range in
            var count = 0
            return Array(UnsafeBufferPointer(start: slipway_ui_pack(&count), count: count)[range])
        }
    }

    private static func read(_ path: String) -> [UInt8]? {
        guard let file = fopen(path, "rbe") else { return nil }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = fread(&part, 1, part.count, file)
            if count == 0 { break }
            bytes += part[..<count]
            guard bytes.count <= maximumBytes else { return nil }
        }
        return ferror(file) == 0 ? bytes : nil
    }
}
