import Core

/// Writes files as a tar (POSIX.1-2001, ustar with extended headers where a name or size needs one). The same files give
/// the same bytes: no times, no owners.
enum TarStream {
    /// What comes before a file's bytes.
    static func header(path: String, sizeBytes: Int64) -> [UInt8] {
        var bytes: [UInt8] = []
        var name = path
        var extended = ""
        if path.utf8.count > 100 || !path.utf8.allSatisfy({ $0 < 128 }) {
            extended += record("path", path)
            name = String(decoding: path.utf8.filter { $0 < 128 }.prefix(100), as: UTF8.self)
        }
        if sizeBytes > 0o77777777777 { extended += record("size", String(sizeBytes)) }
        if !extended.isEmpty {
            let body = Array(extended.utf8)
            bytes += block(name: "pax", sizeBytes: Int64(body.count), type: UInt8(ascii: "x")) + body
            bytes += padding(Int64(body.count))
        }
        return bytes + block(name: name, sizeBytes: min(sizeBytes, 0o77777777777), type: UInt8(ascii: "0"))
    }

    /// What comes after a file's bytes.
    static func padding(_ sizeBytes: Int64) -> [UInt8] {
        Array(repeating: 0, count: Int((512 - sizeBytes % 512) % 512))
    }

    static let end = [UInt8](repeating: 0, count: 1024)

    static func sizeBytes(_ files: [DatasetFile], folder: String) -> Int64 {
        files.reduce(Int64(end.count)) {
            $0 + Int64(header(path: folder + $1.path, sizeBytes: $1.sizeBytes).count) + $1.sizeBytes
                + Int64(padding($1.sizeBytes).count)
        }
    }

    /// `LENGTH key=value\n`, where the length counts itself.
    private static func record(_ key: String, _ value: String) -> String {
        let rest = " \(key)=\(value)\n"
        var length = rest.utf8.count + 1
        while String(length).utf8.count + rest.utf8.count != length {
            length = String(length).utf8.count + rest.utf8.count
        }
        return "\(length)\(rest)"
    }

    private static func block(name: String, sizeBytes: Int64, type: UInt8) -> [UInt8] {
        var block = [UInt8](repeating: 0, count: 512)
        func put(_ text: String, _ offset: Int) { for (i, byte) in text.utf8.enumerated() { block[offset + i] = byte } }
        func octal(_ value: Int64, _ width: Int) -> String {
            let digits = String(value, radix: 8)
            return String(repeating: "0", count: width - digits.utf8.count) + digits
        }
        put(name, 0)
        put("0000644", 100)
        put("0000000", 108)
        put("0000000", 116)
        put(octal(sizeBytes, 11), 124)
        put("00000000000", 136)
        put("        ", 148)
        block[156] = type
        put("ustar", 257)
        put("00", 263)
        let sum = block.reduce(0) { $0 + Int64($1) }
        put(octal(sum, 6), 148)
        block[154] = 0
        return block
    }
}
