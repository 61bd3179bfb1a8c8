import Core
import Synchronization

/// Cuts a stream of bytes into lines.
final class LineSplitter: Sendable {
    private let rest = Mutex<[UInt8]>([])

    func feed(_ bytes: [UInt8]) -> [String] {
        rest.withLock { rest in
            rest.append(contentsOf: bytes)
            var lines: [String] = []
            var start = 0
            for index in rest.indices where rest[index] == 10 {
                lines.append(String(decoding: rest[start..<index], as: UTF8.self))
                start = index + 1
            }
            rest.removeFirst(start)
            return lines
        }
    }
}
