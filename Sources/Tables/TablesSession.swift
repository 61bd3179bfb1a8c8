import Core
import Processes

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// One request's database, from its inputs to its answer.
struct TablesSession {
    let instance: DuckDBInstance
    let inputs: [TableInput]
    /// The columns of all inputs, for messages.
    private(set) var knownColumns: [String: [TableColumn]] = [:]

    /// Answers grow in memory; whoever wants more writes a file.
    static let maximumAnswerBytes = 256 << 20

    static let answerTooLarge = SlipwayError(
        .tooLarge,
        "The result is over \(maximumAnswerBytes >> 20) MiB. Ask for fewer rows or columns, or write it to a file.",
        details: ["maximumBytes": "\(maximumAnswerBytes)"])

    init(_ instance: DuckDBInstance, _ inputs: [TableInput]) {
        self.instance = instance
        self.inputs = inputs
    }

    /// Makes the views and turns the locks: from here on the database reaches the inputs' files, the output and its own
    /// temporary folder, and no statement can change that.
    ///
    /// - Parameter withViews: false for operations of our own that read the files themselves.
    mutating func open(alsoWriting output: String?, withViews: Bool) throws {
        let paths = inputs.flatMap(\.files) + (output.map { [$0] } ?? [])
        _ = try instance.run("SET allowed_paths = \(SQLText.list(paths))")
        var seen: Set<String> = []
        for input in inputs {
            guard seen.insert(input.name.lowercased()).inserted else {
                throw SlipwayError.field("inputs", "has the name '\(input.name)' twice")
            }
            if withViews {
                knownColumns[input.name] = try InputView(input).create(in: instance)
            } else {
                try FileTriage.requireReadable(input)
                knownColumns[input.name] = try input.columns ?? InputView(input).columns(in: instance)
            }
        }
        _ = try instance.run("SET enable_external_access = false")
        _ = try instance.run("SET lock_configuration = true")
    }

    /// - Parameter emit: takes the parts of an answer that comes in parts.
    func perform(
        _ operation: TablesRequest.Operation, systemViews: Set<String>, emit: WorkerLoop.Emit
    ) throws -> [UInt8] {
        switch operation {
        case .query(let sql, let parameters, let maxRows):
            return try query(try checked(sql, systemViews), parameters, maxRows: maxRows)
        case .write(let sql, let parameters, let path):
            return try write(try checked(sql, systemViews), parameters, to: path)
        case .stream(let sql, let parameters, let format, let maxRows):
            return json(try stream(try checked(sql, systemViews), parameters, format, maxRows: maxRows ?? .max, emit))
        case .rowCounts: return json(.array(try rowCounts().map { .int($0) }))
        case .page(let job): return try page(job)
        case .index(let query, let counts, let path): return json(try index(query, counts, path))
        case .columns:
            return json(.array(try inputColumns().map { ["name": .string($0.name), "type": .string($0.type)] }))
        case .rowCount:
            return json(.int(try instance.rows("SELECT count(*) FROM \(try tableName())")[0][0].intValue ?? 0))
        case .profile(let filter, let names):
            let columns = try chosen(names)
            return json(try ProfileQuery(instance, source: try source(filter), columns: columns).run().json)
        case .histogram(let name, let edges, let filter):
            guard let column = try chosen([name]).first else { throw SlipwayError(.internal, "No column.") }
            let query = try HistogramQuery(column, edges: edges)
            let row = try instance.rows(
                "SELECT \(query.expressions.joined(separator: ", ")) FROM \(try source(filter))")[0]
            return json(query.result(row).json)
        }
    }

    func json(_ value: JSONValue) -> [UInt8] { [AnswerKind.json.rawValue] + value.canonicalBytes }

    // MARK: A user's SELECT

    /// The statement that may be executed.
    private func checked(_ sql: String, _ systemViews: Set<String>) throws -> String {
        let rules = SQLCheck(names: inputs.map(\.name), systemViews: systemViews)
        func check(_ text: String) throws {
            let tree =
                try instance.rows("SELECT json_serialize_sql($1::VARCHAR)::VARCHAR", [.text(text)])[0][0].text ?? ""
            try rules.check(Array(tree.utf8))
        }
        // All of it, so that a second statement is refused and not dropped; then what is executed.
        try check(sql)
        let text = SQLText.withoutSemicolon(sql)
        if text != sql { try check(text) }
        return text
    }

    private func query(_ sql: String, _ parameters: [TableValue], maxRows: Int) throws -> [UInt8] {
        let result = try instance.run(sql, parameters, streaming: true)
        return try table(result, maxRows: maxRows, prefix: [AnswerKind.table.rawValue])
    }

    func table(_ result: DuckDBResult, maxRows: Int, prefix: [UInt8]) throws -> [UInt8] {
        var encoder = TableEncoder(columns: result.columns.map(\.column), prefix: prefix)
        var left = maxRows
        var truncated = false
        while let chunk = try result.nextChunk() {
            let take = min(left, chunk.count)
            try encoder.append(chunk, rows: take)
            left -= take
            guard encoder.bytes.count <= Self.maximumAnswerBytes else { throw Self.answerTooLarge }
            if take < chunk.count {
                truncated = true
                break
            }
        }
        return encoder.finish(truncated: truncated)
    }

    private func write(_ sql: String, _ parameters: [TableValue], to path: String) throws -> [UInt8] {
        // Prepared by itself first, so that messages speak of the user's text and not of ours around it.
        _ = try DuckDBStatement(instance, sql)
        let target = SQLText.literal(path)
        let written = try instance.run(
            "COPY (\n\(sql)\n) TO \(target) (FORMAT parquet, COMPRESSION zstd)", parameters)
        var rows: Int64 = 0
        while let chunk = try written.nextChunk() {
            if chunk.count > 0 { rows = chunk.vector(0).load(0, as: Int64.self) }
        }
        let columns = try instance.rows("DESCRIBE SELECT * FROM read_parquet(\(target))").compactMap { row in
            row[0].text.map { ["name": .string($0), "type": JSONValue(row[1].text)] as JSONValue }
        }
        return json(["rows": .int(rows), "columns": .array(columns)])
    }

    // MARK: Our own questions, about the one input

    private func tableName() throws -> String {
        guard inputs.count == 1 else { throw SlipwayError(.internal, "This operation takes one input.") }
        return SQLText.name(inputs[0].name)
    }

    private func source(_ filter: String?) throws -> String {
        guard let filter else { return try tableName() }
        return "(SELECT * FROM \(try tableName()) WHERE (\n\(filter)\n))"
    }

    private func inputColumns() throws -> [TableColumn] { inputs.first.flatMap { knownColumns[$0.name] } ?? [] }

    /// The named columns, in that order; all for nil.
    private func chosen(_ names: [String]?) throws -> [TableColumn] {
        let columns = try inputColumns()
        guard let names else { return columns }
        return try names.map { name in
            guard
                let column = columns.first(where: { $0.name == name })
                    ?? columns.first(where: { $0.name.lowercased() == name.lowercased() })
            else { throw EngineErrors.unknownColumn(name, knownColumns) }
            return column
        }
    }
}
