import Core

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A Python interpreter or virtual environment of this machine, and what of the machine a job must see to use it.
public struct PythonEnvironment: Hashable, Sendable {
    /// Absolute; what to call.
    public let interpreter: String
    /// The folder to put first on the job's PATH.
    public let binFolder: String
    /// For `JobSpec.readOnlyPaths`: the environment, and the installation that it stands on, unless below `/usr`.
    public let readOnlyPaths: [String]
    /// `name-version` of each installed distribution, sorted; from its `*.dist-info` folder (PEP 376).
    public let distributions: [String]

    /// - Parameter path: a virtual environment's folder, or an interpreter.
    /// - Throws: `invalid` when there is no interpreter, naming `field`.
    public init(path: String, field: String = "python") throws {
        let candidates = ["\(path)/bin/python", "\(path)/bin/python3", path]
        guard let interpreter = candidates.first(where: { access($0, X_OK) == 0 && !HostFiles.isFolder($0) }) else {
            throw SlipwayError.field(
                field, "'\(path.prefix(200))' has no Python interpreter",
                expected: "the folder of a virtual environment, or an interpreter")
        }
        self.interpreter = interpreter
        binFolder = Self.parent(interpreter)
        var prefixes: [String] = []
        func add(_ executable: String) {
            let prefix = Self.parent(Self.parent(executable))
            if !Bubblewrap.isInside(prefix, "/usr"), prefix != "/", !prefixes.contains(prefix) {
                prefixes.append(prefix)
            }
        }
        // Every stop on the way from the environment's link to the real file must be there inside.
        var current = interpreter
        add(current)
        for _ in 0..<16 {
            guard let target = HostFiles.target(ofLink: current) else { break }
            current = target.hasPrefix("/") ? target : "\(Self.parent(current))/\(target)"
            add(current)
        }
        if let real = HostFiles.resolve(interpreter) { add(real) }
        let prefix = Self.parent(binFolder)
        // "home = /opt/python/bin": the installation that a virtual environment stands on (PEP 405).
        for line in (HostFiles.read("\(prefix)/pyvenv.cfg") ?? "").split(separator: "\n") {
            let parts = line.split(separator: "=", maxSplits: 1).map { $0.drop { $0 == " " } }
            if parts.count == 2, parts[0].hasPrefix("home") { add("\(parts[1])/python") }
        }
        readOnlyPaths = prefixes.filter { path in !prefixes.contains { $0 != path && Bubblewrap.isInside(path, $0) } }
        distributions = HostFiles.list("\(prefix)/lib").filter { $0.hasPrefix("python") }
            .flatMap { HostFiles.list("\(prefix)/lib/\($0)/site-packages") }
            .filter { $0.hasSuffix(".dist-info") }.map { String($0.dropLast(".dist-info".count)) }.sorted()
    }

    private static func parent(_ path: String) -> String {
        guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return "/" }
        return String(path[..<slash])
    }
}
