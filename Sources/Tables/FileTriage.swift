import Core
import Processes

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Looks into files by hand, to say what is wrong with them in words that help.
enum FileTriage {
    /// - Throws: `invalid` when there is no file, one cannot be read, or one has a name that DuckDB would take for a pattern.
    static func requireReadable(_ input: TableInput) throws {
        guard !input.files.isEmpty else {
            throw SlipwayError(.invalid, "The table '\(input.name)' has no files.", details: ["field": "inputs"])
        }
        for (index, path) in input.files.enumerated() {
            guard path.hasPrefix("/") else {
                throw SlipwayError(.internal, "\(input.label(index)): the path must be absolute.")
            }
            if path.contains(where: { "*?[".contains($0) }) {
                throw problem(
                    input, index, "has one of the characters * ? [ in its path, which the reader takes for a pattern")
            }
            var info = stat()
            guard stat(path, &info) == 0 else { throw problem(input, index, "is not there", code: .notFound) }
            guard info.st_mode & S_IFMT == S_IFREG, access(path, R_OK) == 0 else {
                throw problem(input, index, "cannot be read")
            }
            if input.format == .parquet { try requireParquet(input, index, size: Int64(info.st_size)) }
        }
    }

    /// Whether the file has Parquet's magic at both ends, which shows most cut-off uploads at once.
    private static func requireParquet(_ input: TableInput, _ index: Int, size: Int64) throws {
        let path = input.files[index]
        let magic = Array("PAR1".utf8)
        let head = read(path, at: 0, count: 64)
        guard head.starts(with: magic) else {
            throw problem(input, index, size == 0 ? "is empty" : "is not a Parquet file\(guess(head))")
        }
        guard size >= 12, read(path, at: size - 4, count: 4) == magic else {
            throw problem(
                input, index,
                "is cut off: it begins as a Parquet file but its footer is missing after \(size) bytes. Upload it again"
            )
        }
    }

    private static func problem(_ input: TableInput, _ index: Int, _ what: String, code: ErrorCode = .invalid)
        -> SlipwayError
    {
        SlipwayError(
            code, "\(input.label(index)) \(what).", details: ["file": input.label(index), "table": input.name])
    }

    private static func guess(_ head: [UInt8]) -> String {
        if head.starts(with: [0x1F, 0x8B]) { return "; it looks like gzip" }
        if head.starts(with: [0x50, 0x4B, 3, 4]) { return "; it looks like a ZIP archive" }
        if head.starts(with: [0x28, 0xB5, 0x2F, 0xFD]) { return "; it looks like Zstandard" }
        if let first = head.first(where: { $0 > 32 }), first == UInt8(ascii: "{") || first == UInt8(ascii: "[") {
            return "; it looks like JSON"
        }
        return head.allSatisfy { $0 >= 9 && $0 < 128 } && !head.isEmpty ? "; it looks like text, perhaps CSV" : ""
    }

    /// The option that says how text files are compressed, by their first bytes: names of objects have no endings.
    static func compression(_ input: TableInput) -> String {
        let kinds = Set(
            input.files.map { path -> String in
                let head = read(path, at: 0, count: 4)
                if head.starts(with: [0x1F, 0x8B]) { return "gzip" }
                return head.starts(with: [0x28, 0xB5, 0x2F, 0xFD]) ? "zstd" : "uncompressed"
            })
        return kinds.count == 1 ? kinds.first.map { ", compression = '\($0)'" } ?? "" : ""
    }

    /// Where a CSV file stops being UTF-8, in words.
    static func notUTF8(_ input: TableInput, _ index: Int) -> SlipwayError? {
        let path = input.files[index]
        let head = read(path, at: 0, count: 2)
        if head == [0xFF, 0xFE] || head == [0xFE, 0xFF] {
            return problem(input, index, "is not UTF-8: it begins with the mark of UTF-16. Give the encoding utf-16")
        }
        guard let place = firstInvalidUTF8(path) else { return nil }
        let byte = Hex.encode([place.byte])
        return SlipwayError(
            .invalid,
            "\(input.label(index)) is not UTF-8: the byte 0x\(byte) at offset \(place.offset), line \(place.line), begins no valid character. If the file was written on an older system, give the encoding latin-1; else repair it.",
            details: [
                "file": input.label(index), "table": input.name, "offset": "\(place.offset)", "line": "\(place.line)",
                "encodings": TableInput.Encoding.allCases.map(\.rawValue).joined(separator: ", "),
            ])
    }

    private static func firstInvalidUTF8(_ path: String) -> (offset: Int, line: Int, byte: UInt8)? {
        guard let file = try? Descriptor.reading(path) else { return nil }
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        var kept = 0
        var offset = 0
        var line = 1
        while true {
            let count = buffer.withUnsafeMutableBytes { bytes in
                (try? file.read(into: UnsafeMutableRawBufferPointer(rebasing: bytes[kept...]))) ?? 0
            }
            let end = kept + count
            var at = 0
            while at < end {
                let length = UTF8Sequence.length(buffer, at, end)
                // A character may be cut off by the end of the buffer, but not by that of the file.
                if length == 0, count > 0, end - at < 4, buffer[at] >= 0xC2, UTF8Sequence.mayContinue(buffer, at, end) {
                    break
                }
                if length == 0 { return (offset + at, line, buffer[at]) }
                if buffer[at] == 10 { line += 1 }
                at += length
            }
            if count == 0 { return nil }
            for index in at..<end { buffer[index - at] = buffer[index] }
            kept = end - at
            offset += at
        }
    }

    private static func read(_ path: String, at offset: Int64, count: Int) -> [UInt8] {
        guard let file = try? Descriptor.reading(path) else { return [] }
        var bytes = [UInt8](repeating: 0, count: count)
        let got = pread(file.number, &bytes, count, off_t(offset))
        return Array(bytes.prefix(max(0, got)))
    }
}

/// The form of UTF-8 (RFC 3629, section 4).
enum UTF8Sequence {
    /// The bytes of the character at `at`; 0 if there is none that is valid and whole.
    static func length(_ bytes: [UInt8], _ at: Int, _ end: Int) -> Int {
        let first = bytes[at]
        if first < 0x80 { return 1 }
        let length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2
        guard first >= 0xC2, first <= 0xF4, at + length <= end, mayContinue(bytes, at, end) else { return 0 }
        return length
    }

    /// Whether the bytes after a first byte may be, as far as they are there.
    static func mayContinue(_ bytes: [UInt8], _ at: Int, _ end: Int) -> Bool {
        let first = bytes[at]
        guard first >= 0xC2, first <= 0xF4 else { return false }
        let length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2
        for index in at + 1..<max(at + 1, min(at + length, end)) {
            let byte = bytes[index]
            guard byte & 0xC0 == 0x80 else { return false }
            guard index == at + 1 else { continue }
            // No longer form than needed, no surrogates, nothing past U+10FFFF.
            if first == 0xE0, byte < 0xA0 { return false }
            if first == 0xED, byte > 0x9F { return false }
            if first == 0xF0, byte < 0x90 { return false }
            if first == 0xF4, byte > 0x8F { return false }
        }
        return true
    }
}
