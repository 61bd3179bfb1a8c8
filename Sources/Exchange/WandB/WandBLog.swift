import Core

/// The transaction log of Weights & Biases, `run-ID.wandb`: after the seven bytes `:W&B`, 0xBEE1 and a version, blocks of
/// 32 KiB as in LevelDB's log ("log_format.md"): records in pieces, each with a CRC-32 of its kind and bytes, a length of two
/// bytes and a kind (whole, first, middle, last); a block's last bytes that hold no piece are zero. A record is a message
/// `Record` of protobuf.
struct WandBLog {
    private static let block = 32 << 10
    private static let header = 7
    private static let recordMaximumBytes = 64 << 20

    /// Hands over each record. A record that is not whole yet ends the log, as its writer may be at it; a damaged block is
    /// passed over, and named.
    static func records(
        _ path: String, _ findings: Findings, _ body: (ArraySlice<UInt8>) async throws -> Void
    ) async throws {
        let file = try ByteFile(path)
        var record: [UInt8]?
        var isFirst = true
        while true {
            let bytes = file.read(block)
            var rest = bytes[...]
            if isFirst {
                guard rest.count >= header else { return }
                guard rest.starts(with: Array(":W&B".utf8)), rest.little(UInt16.self, at: 4) == 0xBEE1 else {
                    throw SlipwayError(.invalid, "\(path) is no log of Weights & Biases.", details: ["field": "source"])
                }
                rest = rest.dropFirst(header)
                isFirst = false
            }
            while rest.count >= header {
                let (sum, length) = (rest.little(UInt32.self, at: 0), Int(rest.little(UInt16.self, at: 4)))
                let kind = rest[rest.startIndex + 6]
                // A block's rest, or bytes that were reserved and not written yet.
                if kind == 0, length == 0, sum == 0 { break }
                let at = file.offset - Int64(rest.count)
                guard rest.count >= header + length else {
                    if bytes.count == block { findings.add("\(path): is damaged at byte \(at)") }
                    record = nil
                    break
                }
                let data = rest.dropFirst(header).prefix(length)
                guard (1...4).contains(kind), CyclicCheck.zlib(data, after: CyclicCheck.zlib([kind])) == sum else {
                    findings.add("\(path): is damaged at byte \(at); the rest of its block is left out")
                    record = nil
                    break
                }
                rest = rest.dropFirst(header + length)
                switch kind {
                case 1, 2: record = Array(data)
                default: record?.append(contentsOf: data)
                }
                if let whole = record, kind == 1 || kind == 4 {
                    record = nil
                    try await body(whole[...])
                } else if let part = record, part.count > recordMaximumBytes {
                    findings.add("\(path): has a record of over \(recordMaximumBytes >> 20) MiB at byte \(at)")
                    record = nil
                }
            }
            if bytes.count < block { return }
        }
    }
}
