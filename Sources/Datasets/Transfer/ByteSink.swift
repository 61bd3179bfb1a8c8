import Synchronization

/// Bytes that come in pieces, on whatever thread.
final class ByteSink: Sendable {
    private let all = Mutex<[UInt8]>([])

    func append(_ bytes: [UInt8]) { all.withLock { $0 += bytes } }
    var bytes: [UInt8] { all.withLock { $0 } }
}
