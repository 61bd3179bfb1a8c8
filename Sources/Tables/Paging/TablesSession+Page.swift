import Core
import Processes

extension TablesSession {
    /// The number of rows of each file of the one input, from the footers.
    func rowCounts() throws -> [Int64] {
        let files = inputs.flatMap(\.files)
        let rows = try instance.rows(
            "SELECT file_name, num_rows FROM parquet_file_metadata(\(SQLText.list(files)))")
        let counts = Dictionary(rows.map { ($0[0].text ?? "", $0[1].intValue ?? 0) }) { a, _ in a }
        return try files.map { path in
            guard let count = counts[path] else { throw SlipwayError(.internal, "A file's row count is missing.") }
            return count
        }
    }

    func page(_ job: PageJob) throws -> [UInt8] {
        let (runs, more, sql) = try reader().page(job)
        let about = JSONValue.object(["rows": .array(runs.map(\.json)), "more": .bool(more)]).canonicalBytes
        var prefix = [AnswerKind.page.rawValue]
        withUnsafeBytes(of: UInt32(about.count).littleEndian) { prefix.append(contentsOf: $0) }
        prefix += about
        let result = try instance.run(sql, streaming: true)
        switch job.form {
        case .table: return try table(result, maxRows: .max, prefix: prefix)
        case .arrow:
            var bytes = prefix
            _ = try stream(result, as: ArrowEncoder.self) { piece in
                guard bytes.count + piece.count <= Self.maximumAnswerBytes else { throw Self.answerTooLarge }
                bytes += piece
            }
            return bytes
        }
    }

    /// Writes the numbers of a view's rows: 4 bytes each while all rows of the table can be numbered so, else 8.
    ///
    /// - Parameters:
    ///   - counts: rows of each file.
    /// - Returns: how many there are and how wide.
    func index(_ query: PageQuery, _ counts: [Int64], _ path: String) throws -> JSONValue {
        let numbers = RowNumbers(counts: counts)
        let isWide = numbers.total > Int64(UInt32.max)
        let result = try reader().all(query)
        let output = try Descriptor.writing(path)
        var bytes: [UInt8] = []
        var rows: Int64 = 0
        var last: Int64 = -1
        while let chunk = try result.nextChunk() {
            let (files, places) = (chunk.vector(0), chunk.vector(1))
            for row in 0..<chunk.count {
                let number = numbers.number(
                    file: Int(files.load(row, as: Int64.self)), row: places.load(row, as: Int64.self))
                guard !query.order.isEmpty || number > last else {
                    throw SlipwayError(.internal, "The rows of a table did not come in the order of its files.")
                }
                last = number
                if isWide {
                    withUnsafeBytes(of: UInt64(number).littleEndian) { bytes.append(contentsOf: $0) }
                } else {
                    withUnsafeBytes(of: UInt32(number).littleEndian) { bytes.append(contentsOf: $0) }
                }
            }
            rows += Int64(chunk.count)
            if bytes.count >= 1 << 20 {
                try output.write(bytes)
                bytes.removeAll(keepingCapacity: true)
            }
        }
        try output.write(bytes)
        return ["rows": .int(rows), "width": .int(isWide ? 8 : 4)]
    }

    private func reader() throws -> PageReader {
        guard inputs.count == 1, let input = inputs.first else {
            throw SlipwayError(.internal, "This operation takes one input.")
        }
        return try PageReader(instance, input, knownColumns[input.name] ?? [])
    }
}
