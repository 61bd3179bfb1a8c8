#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The processes of this machine as `/proc` shows them (proc(5)).
enum ProcessTree {
    struct Entry: Hashable, Sendable {
        var pid: Int32
        /// The program's short name.
        var command: String
        var state: Character
        var parent: Int32
        var session: Int32
        /// In clock ticks since boot; with the pid it names a process for as long as the machine runs.
        var startTicks: UInt64
    }

    /// Parses `/proc/<pid>/stat`. The name in parentheses may hold anything, also parentheses.
    static func parse(_ text: String) -> Entry? {
        guard let open = text.firstIndex(of: "("), let close = text.lastIndex(of: ")"),
            let pid = Int32(text[..<open].filter { $0 != " " })
        else { return nil }
        let fields = text[text.index(after: close)...].split(separator: " ")
        guard fields.count > 19, let state = fields[0].first, let parent = Int32(fields[1]),
            let session = Int32(fields[3]),
            let start = UInt64(fields[19])
        else { return nil }
        return Entry(
            pid: pid, command: String(text[text.index(after: open)..<close]), state: state, parent: parent,
            session: session,
            startTicks: start)
    }

    static func signal(_ pid: Int32, _ number: Int32) { _ = kill(pid, number) }

    static func entry(_ pid: Int32) -> Entry? { HostFiles.read("/proc/\(pid)/stat").flatMap(parse) }

    /// All processes that can be seen.
    static func all() -> [Entry] {
        HostFiles.list("/proc").compactMap { Int32($0) }.compactMap(entry)
    }

    /// `root`, its descendants, the members of its session, and their descendants; without those that have ended already.
    static func tree(of root: Int32, in entries: [Entry]) -> [Entry] {
        var found: Set<Int32> = [root]
        found.formUnion(entries.filter { $0.session == root }.map(\.pid))
        var grew = true
        while grew {
            let next = entries.filter { !found.contains($0.pid) && found.contains($0.parent) }
            grew = !next.isEmpty
            found.formUnion(next.map(\.pid))
        }
        return entries.filter { found.contains($0.pid) && $0.state != "Z" }
    }

    /// The variable by which a plain job's processes are known, even those that left its session and lost their parent.
    /// One that clears its environment too is beyond this; control groups hold it.
    static let mark = "SLIPWAY_JOB"

    /// The processes, among those of which this one may read the environment, whose mark is `value`.
    static func marked(_ value: String) -> [Entry] {
        let wanted = "\(mark)=\(value)"
        return all().filter { entry in
            guard entry.pid != getpid(), entry.state != "Z", let text = HostFiles.read("/proc/\(entry.pid)/environ")
            else { return false }
            return text.split(separator: "\0").contains { $0 == wanted }
        }
    }
}
