import Core
import Processes
import Tables
import Testing

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A folder with files for one test, removed at the end.
final class Workshop: Sendable {
    let folder = "/tmp/slipway-tables-\(ID.make())"

    init() { mkdir(folder, 0o700) }

    deinit {
        // Flat, but for the workers' folders.
        for name in Self.names(folder) {
            let path = "\(folder)/\(name)"
            for inner in Self.names(path) {
                for file in Self.names("\(path)/\(inner)") { unlink("\(path)/\(inner)/\(file)") }
                rmdir("\(path)/\(inner)")
            }
            if rmdir(path) != 0 { unlink(path) }
        }
        rmdir(folder)
    }

    static func names(_ path: String) -> [String] {
        guard let listing = opendir(path) else { return [] }
        defer { closedir(listing) }
        var names: [String] = []
        while let entry = readdir(listing) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    func path(_ name: String) -> String { "\(folder)/\(name)" }

    @discardableResult
    func file(_ name: String, _ bytes: [UInt8]) throws -> String {
        let number = open(path(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        try Descriptor(owning: number).write(bytes)
        return path(name)
    }

    @discardableResult
    func file(_ name: String, _ text: String) throws -> String { try file(name, Array(text.utf8)) }

    func bytes(_ name: String) throws -> [UInt8] {
        let file = try Descriptor.reading(path(name))
        var all: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while case let count = try buffer.withUnsafeMutableBytes({ try file.read(into: $0) }), count > 0 {
            all += buffer[..<count]
        }
        return all
    }

    func tables(workers: Int = 1, memoryBytes: Int64 = 512 << 20, library: String? = nil, timeoutSeconds: Double = 60)
        -> Tables
    {
        Tables(
            TablesConfiguration(
                library: library ?? Self.library, executable: Self.executable, workers: workers,
                memoryBytes: memoryBytes,
                timeoutSeconds: timeoutSeconds, temporaryDirectory: path("temporary")))
    }

    /// The program beside the test bundle.
    static let executable: String = {
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &buffer, buffer.count)
        let own =
            count > 0
            ? String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self) : CommandLine.arguments[0]
        return own.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
            + "/slipway"
    }()

    /// What scripts/setup installs, unless the environment says otherwise.
    static let library: String? = getenv("SLIPWAY_DUCKDB_LIBRARY").map { String(cString: $0) }

    /// Whether the engine is there; without it these tests have nothing to test.
    static var isAvailable: Bool {
        access(executable, X_OK) == 0
            && Tables(TablesConfiguration(library: library, executable: executable, temporaryDirectory: "/tmp"))
                .availability == nil
    }
}

/// The error as one line, or nil.
func failure(_ body: () async throws -> Void) async -> String? {
    do {
        try await body()
        return nil
    } catch let error as SlipwayError {
        return error.description
    } catch {
        return "\(error)"
    }
}
