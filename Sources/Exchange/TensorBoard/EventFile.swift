import Core

/// TensorBoard's event file: TFRecords, each a length of eight bytes, its check, the bytes and theirs. The checks are CRC-32C,
/// rotated and shifted (`tensorflow/core/lib/hash/crc32c.h`); a record is a message `Event`.
enum EventFile {
    private static let recordMaximumBytes: UInt64 = 256 << 20

    /// Hands over each record. One that is not whole yet ends the file, as its writer may be at it; after a damaged one nothing
    /// more can be found, and it is named.
    static func records(
        _ path: String, _ findings: Findings, _ body: (ArraySlice<UInt8>) async throws -> Void
    ) async throws {
        let file = try ByteFile(path)
        while true {
            let at = file.offset
            let head = file.read(12)[...]
            guard head.count == 12 else { return }
            let length = head.little(UInt64.self, at: 0)
            guard masked(head.prefix(8)) == head.little(UInt32.self, at: 8), length <= recordMaximumBytes else {
                findings.add("\(path): is damaged at byte \(at); the rest of it is left out")
                return
            }
            let data = file.read(Int(length))
            let sum = file.read(4)[...]
            guard data.count == Int(length), sum.count == 4 else { return }
            guard masked(data) == sum.little(UInt32.self, at: 0) else {
                // Its length was whole, so the next one can be found.
                findings.add("\(path): has a damaged record at byte \(at), left out")
                continue
            }
            try await body(data[...])
        }
    }

    private static func masked(_ bytes: some Sequence<UInt8>) -> UInt32 {
        let sum = CyclicCheck.castagnoli(bytes)
        return ((sum >> 15) | (sum << 17)) &+ 0xa282_ead8
    }
}
