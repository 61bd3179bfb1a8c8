import Core
import Synchronization

/// Ids of requests: 16 hexadecimal digits, different within a server process and, by their random start, between processes.
enum RequestID {
    private static let next64 = Atomic<UInt64>(UInt64.random(in: .min ... .max))
    private static let digits = Array("0123456789abcdef".utf8)

    static func next() -> String {
        // An odd step walks through all values before it repeats one, and spreads neighbours apart.
        let (value, _) = next64.wrappingAdd(0x9E37_79B9_7F4A_7C15, ordering: .relaxed)
        return String(unsafeUninitializedCapacity: 16) { buffer in
            for index in 0..<16 { buffer[index] = digits[Int(value >> (60 - 4 * UInt64(index)) & 15)] }
            return 16
        }
    }
}
