import Synchronization

/// What a reader passed over in a foreign store, in words: it goes on, and the report says so.
final class Findings: Sendable {
    private let list = Mutex<[String]>([])

    /// A store of broken files does not fill the report.
    static let maximum = 1000

    func add(_ finding: String) {
        list.withLock {
            // A file is read again to compare it.
            guard $0.count <= Self.maximum, !$0.contains(finding) else { return }
            $0.append($0.count < Self.maximum ? finding : "and more of the like")
        }
    }

    var all: [String] { list.withLock { $0 } }
}
