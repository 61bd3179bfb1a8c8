import CDuckDB
import Core
import Processes

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// `slipway worker tables …`: answers the requests of a `Tables`.
public enum TablesWorker {
    /// What a configuration looks like on the worker's command line.
    static func arguments(_ configuration: TablesConfiguration) -> [String] {
        (configuration.library.map { ["--library", $0] } ?? []) + [
            "--threads", String(configuration.threads), "--memory-bytes", String(configuration.memoryBytes),
            "--temporary-bytes", String(configuration.temporaryBytes), "--temporary", configuration.temporaryDirectory,
        ]
    }

    /// Serves until the server closes the socket or dies.
    ///
    /// - Parameter arguments: those after `worker tables`.
    public static func main(arguments: [String]) -> Never {
        var options: [String: String] = [:]
        var rest = arguments[...]
        while let name = rest.popFirst(), let value = rest.popFirst() { options[name] = value }
        guard let threads = options["--threads"].flatMap(Int.init),
            let memory = options["--memory-bytes"].flatMap(Int64.init),
            let spill = options["--temporary-bytes"].flatMap(Int64.init), let temporary = options["--temporary"]
        else { refuse("this command is started by `slipway serve`, not by hand") }

        let folder = prepareFolder(temporary)
        // What DuckDB does not count in its own limit (decoders, results, threads' stacks, the library itself), once more
        // as much as the limit and a gigabyte: beyond it an allocation fails and costs one query.
        guard cduck_confine(UInt64(2 * memory) + headroom) == 0 else { refuse("cannot set resource limits") }

        let library: DuckDBLibrary
        do {
            library = try DuckDBLibrary.load(explicit: options["--library"])
        } catch {
            serveFailure(error)
        }
        let running = TablesEngine.Running(library)
        let engine = TablesEngine(
            library,
            .init(threads: threads, memoryBytes: memory, temporaryBytes: spill, temporaryDirectory: folder),
            running: running)
        engine.prepare()
        WorkerLoop.run(interrupt: running.interrupt, idle: engine.prepare) { engine.answer($0, emit: $1) }
    }

    private static let headroom: UInt64 = 1 << 30

    /// Every request is answered with why the engine is not there.
    private static func serveFailure(_ error: any Error) -> Never {
        let wire = EngineErrors.slipway(error, memoryBytes: 0).wire
        WorkerLoop.run(interrupt: {}, idle: {}) { _, _ in [AnswerKind.failure.rawValue] + wire }
    }

    private static func refuse(_ reason: String) -> Never {
        try? Descriptor(owning: 2).write(Array("slipway worker tables: \(reason)\n".utf8))
        exit(64)
    }

    /// A folder of this process's own; those of processes that are gone are removed.
    private static func prepareFolder(_ parent: String) -> String {
        // With the folders above it.
        for (index, character) in parent.enumerated() where character == "/" && index > 0 {
            mkdir(String(parent.prefix(index)), 0o700)
        }
        mkdir(parent, 0o700)
        if let listing = opendir(parent) {
            defer { closedir(listing) }
            while let entry = readdir(listing) {
                let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                    String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
                }
                guard name.hasPrefix(prefix), let pid = Int32(name.dropFirst(prefix.count)), kill(pid, 0) != 0,
                    errno == ESRCH
                else {
                    continue
                }
                remove("\(parent)/\(name)")
            }
        }
        let own = "\(parent)/\(prefix)\(getpid())"
        mkdir(own, 0o700)
        return own
    }

    private static let prefix = "tables-"

    /// DuckDB's temporary folder is flat.
    private static func remove(_ folder: String) {
        if let listing = opendir(folder) {
            defer { closedir(listing) }
            while let entry = readdir(listing) {
                let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                    String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
                }
                if name != ".", name != ".." { unlink("\(folder)/\(name)") }
            }
        }
        rmdir(folder)
    }
}
