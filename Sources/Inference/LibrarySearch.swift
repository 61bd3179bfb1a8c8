import Core

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Where `libonnxruntime` may lie, in the order of trying.
enum LibrarySearch {
    static let variable = "SLIPWAY_ONNXRUNTIME_LIBRARY"
    static let hint =
        "Install it with scripts/setup, or set \(variable) to a libonnxruntime.so of release 1.17 or later "
        + "(the Python package onnxruntime holds one in onnxruntime/capi/)"

    /// Opens the first library that loads. A path that the caller or the environment names is the only one tried.
    ///
    /// - Returns: the handle, and the path that was opened.
    /// - Throws: `unavailable`, with what was tried and what to install.
    static func open(explicit: String?, environment: String?) throws -> (handle: UnsafeMutableRawPointer, path: String)
    {
        let candidates: [String]
        switch (explicit, environment) {
        case (let path?, _): candidates = [path]
        case (nil, let path?) where !path.isEmpty: candidates = [path]
        default: candidates = folders().flatMap(libraries(in:)) + defaultNames
        }
        var problems: [String] = []
        for path in candidates {
            if let handle = dlopen(path, RTLD_NOW | RTLD_LOCAL) { return (handle, path) }
            let problem = dlerror().map { String(cString: $0) } ?? "unknown"
            // A file that is there but does not load is worth a word; one that is not there is the normal case.
            if candidates.count == 1 || access(path, F_OK) == 0 { problems.append(problem) }
        }
        guard !problems.contains(where: { $0.contains("failed to map") || $0.contains("annot allocate memory") }) else {
            throw SlipwayError(
                .unavailable, "ONNX Runtime does not fit into the memory that this process may use; raise its limit.",
                details: ["library": "onnxruntime", "reason": problems.joined(separator: "; ")])
        }
        let tried = problems.isEmpty ? "" : " (\(problems.joined(separator: "; ")))"
        throw SlipwayError(
            .unavailable, "ONNX Runtime, which runs ONNX models, could not be loaded\(tried). \(hint).",
            details: ["library": "onnxruntime"])
    }

    #if canImport(Glibc)
        private static let defaultNames = ["libonnxruntime.so.1", "libonnxruntime.so"]
        private static let stem = "libonnxruntime.so"
    #else
        private static let defaultNames = ["libonnxruntime.dylib"]
        private static let stem = "libonnxruntime"
    #endif

    private static func folders() -> [String] {
        var folders: [String] = []
        var buffer = [CChar](repeating: 0, count: 4097)
        let length = readlink("/proc/self/exe", &buffer, 4096)
        if length > 0 {
            let executable = String(decoding: buffer[..<length].map(UInt8.init(bitPattern:)), as: UTF8.self)
            let folder = executable.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(
                separator: "/")
            folders.append(folder + "/../lib")
        }
        return folders + [".slipway/lib", "/usr/local/lib/slipway"]
    }

    /// The files `libonnxruntime.so*` of a folder, the plain name first.
    private static func libraries(in folder: String) -> [String] {
        guard let directory = opendir(folder) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name.hasPrefix(stem) { names.append(name) }
        }
        // dlopen takes a path for a path only when it has a slash.
        return names.sorted().map { (folder.hasPrefix("/") ? "" : "./") + folder + "/" + $0 }
    }
}
