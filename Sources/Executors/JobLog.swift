import Core
import Processes

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The log file of a job: written through at once, and bounded. Past the bound the beginning stays in the file as it is,
/// and the last 64 KiB are added at the end, since that is where errors are; between them one line says what is missing.
struct JobLog {
    static let tailBytes = 64 * 1024

    private let file: Descriptor?
    private let headBytes: Int64
    private var tail: [UInt8] = []
    /// What the job printed.
    private(set) var printedBytes: Int64 = 0
    private var keptBytes: Int64 = 0
    /// Why the log could not be written further; the job goes on.
    private(set) var problem: String?

    /// Opens the file for appending.
    ///
    /// - Throws: `unavailable`.
    init(path: String, maximumBytes: Int64) throws {
        let number = open(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0o640)
        guard number >= 0 else { throw HostFiles.failure("Cannot open the job's log", path) }
        file = Descriptor(owning: number)
        headBytes = max(0, maximumBytes - Int64(Self.tailBytes))
    }

    mutating func append(_ bytes: ArraySlice<UInt8>) {
        printedBytes += Int64(bytes.count)
        let head = bytes.prefix(Int(clamping: max(0, headBytes - keptBytes)))
        if !head.isEmpty { write(Array(head)) }
        keptBytes += Int64(head.count)
        let rest = bytes.dropFirst(head.count)
        guard !rest.isEmpty else { return }
        tail.append(contentsOf: rest)
        if tail.count > 4 * Self.tailBytes { tail.removeFirst(tail.count - Self.tailBytes) }
    }

    /// Adds the tail and a last line of the executor's own, if there is one.
    ///
    /// - Returns: the bytes that are missing from the file.
    mutating func finish(note: String?) -> Int64 {
        let end = tail.suffix(Self.tailBytes)
        let omitted = printedBytes - keptBytes - Int64(end.count)
        if omitted > 0 {
            write(Array("\n[slipway] \(omitted) bytes of output are left out here: the log is over its size.\n".utf8))
        }
        if !end.isEmpty { write(Array(end)) }
        if let note { write(Array("[slipway] \(note)\n".utf8)) }
        tail = []
        return max(0, omitted)
    }

    private mutating func write(_ bytes: [UInt8]) {
        guard problem == nil else { return }
        do { try file?.write(bytes) } catch { problem = (error as? SlipwayError)?.message ?? "\(error)" }
    }
}
