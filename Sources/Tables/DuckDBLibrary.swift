import CDuckDB
import Core
import Processes

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// DuckDB's functions, loaded at run time from any library that has the stable C API: the official `libduckdb`, or the
/// official Python wheel's module with `SLIPWAY_DUCKDB_PRELOAD` naming libpython.
final class DuckDBLibrary: @unchecked Sendable {
    // Sound: the table of functions is written once, before the object is shared, and DuckDB's functions may be called
    // from any thread.
    let api: cduck_api
    let version: String
    let path: String

    private init(api: cduck_api, version: String, path: String) {
        self.api = api
        self.version = version
        self.path = path
    }

    static let environmentVariable = "SLIPWAY_DUCKDB_LIBRARY"
    static let preloadVariable = "SLIPWAY_DUCKDB_PRELOAD"

    /// Where the library is looked for, in this order. An explicit path or the environment variable stands alone.
    static func candidates(explicit: String?, environment: (String) -> String?, executable: String) -> [String] {
        if let explicit { return [explicit] }
        if let path = environment(environmentVariable), !path.isEmpty { return [path] }
        #if os(macOS)
            let name = "libduckdb.dylib"
        #else
            let name = "libduckdb.so"
        #endif
        let folder = executable.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(
            separator: "/")
        return [
            "\(folder)/../lib/\(name)", "\(folder)/\(name)", "./.slipway/lib/\(name)", "/usr/local/lib/slipway/\(name)",
            name,
        ]
    }

    /// Loads the first candidate that is there.
    ///
    /// - Throws: `unavailable`, saying what to install.
    static func load(explicit: String?) throws -> DuckDBLibrary {
        let paths = candidates(explicit: explicit, environment: environment, executable: executablePath)
        var reasons: [String] = []
        for path in paths {
            // A bare name is for the loader's own search.
            guard !path.contains("/") || access(path, F_OK) == 0 else {
                if paths.count == 1 { reasons.append("\(path): no such file") }
                continue
            }
            var api = cduck_api()
            var error = [CChar](repeating: 0, count: 512)
            let code = cduck_load(path, environment(preloadVariable), &api, &error, error.count)
            guard code == 0 else {
                reasons.append(
                    "\(path): \(String(decoding: error.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self))"
                )
                continue
            }
            return DuckDBLibrary(api: api, version: api.library_version().map { String(cString: $0) } ?? "", path: path)
        }
        throw missing(reasons)
    }

    /// The same search without loading; nil when a file is there or the loader might find one.
    static func missingHint(explicit: String?) -> String? {
        let paths = candidates(explicit: explicit, environment: environment, executable: executablePath)
        if paths.contains(where: { $0.contains("/") && access($0, R_OK) == 0 }) { return nil }
        guard let bare = paths.first(where: { !$0.contains("/") }) else {
            return missing(["\(paths[0]): no such file"]).message
        }
        // Only asks whether the loader knows the name.
        guard let handle = dlopen(bare, RTLD_LAZY | RTLD_LOCAL) else { return missing([]).message }
        dlclose(handle)
        return nil
    }

    private static func missing(_ reasons: [String]) -> SlipwayError {
        let tried = reasons.isEmpty ? "" : " Tried: \(reasons.joined(separator: "; "))."
        return SlipwayError(
            .unavailable,
            "Tables need DuckDB's shared library (libduckdb 1.5 or newer), which was not found.\(tried) Run scripts/setup, or install it and name its path in \(environmentVariable)."
        )
    }

    private static func environment(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

    private static var executablePath: String {
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = readlink(WorkerPool.ownExecutable, &buffer, buffer.count)
        guard count > 0 else { return CommandLine.arguments[0] }
        return String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
