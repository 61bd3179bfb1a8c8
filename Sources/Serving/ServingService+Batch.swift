import Core
import Datasets
import Inference
import Objects
import Platform
import Registry
import Tables

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Predictions for all rows of a dataset.
public struct BatchRequest: Sendable, Hashable {
    public var endpoint: String
    /// A dataset version or a slice.
    public var input: Ref
    /// The columns that the model gets, in the order of its inputs; nil takes the signature's or the inputs' names.
    public var columns: [String]?
    /// The dataset that gets the rows with their predictions as a version.
    public var output: String
    /// Columns of the input that go into the output; nil is all.
    public var keep: [String]?

    public init(endpoint: String, input: Ref, columns: [String]? = nil, output: String, keep: [String]? = nil) {
        self.endpoint = endpoint
        self.input = input
        self.columns = columns
        self.output = output
        self.keep = keep
    }
}

extension ServingService {
    /// Rows that are in memory at once.
    private static let batchRows = 10_000
    private static let rowColumn = "__slipway_row"

    /// Predicts for all rows of a dataset version or slice and commits the rows with their predictions. One version of the
    /// model answers for all of them; the output's lineage names it and the input.
    ///
    /// - Throws: `invalid`, naming columns that are missing or there twice; what `infer` and the datasets throw.
    public func predict(_ request: BatchRequest, as principal: Principal) async throws -> DatasetVersion {
        try Name.validate(request.output, field: "output")
        let model = try await served(request.endpoint, as: principal, permission: .predict)
        let input = try await datasets.rows(of: request.input, name: "data", as: principal)
        let known = input.version.columns.map(\.name)
        let features = request.columns ?? model.columns ?? model.inputs.map(\.name)
        if let wanted = model.columns?.count ?? (model.inputs.count > 1 ? model.inputs.count : nil),
            wanted != features.count
        {
            throw SlipwayError.field(
                "columns", "there are \(features.count)",
                expected: "\(wanted): " + (model.columns ?? model.inputs.map(\.name)).joined(separator: ", "))
        }
        for (field, names) in [("columns", features), ("keep", request.keep ?? [])] {
            if let missing = names.first(where: { !known.contains($0) }) {
                throw SlipwayError.field(
                    field, "\(input.version.ref) has no column '\(missing.prefix(80))'",
                    expected: "names among " + known.prefix(50).joined(separator: ", "))
            }
        }
        let folder = platform.dataDirectory + "/tmp/serving-" + ID.make()
        let rows = folder + ".predictions.json"
        let joined = folder + ".parquet"
        defer { for path in [rows, joined] { unlink(path) } }
        let outputs = try await predictRows(of: input, features, model, into: rows, as: principal)
        let kept = request.keep ?? known
        if let twice = outputs.first(where: kept.contains) {
            throw SlipwayError.field(
                "keep", "the prediction's column '\(twice)' is a column of the input, too",
                expected: "the columns to keep, without that one")
        }
        _ = try await platform.tables.write(
            """
            SELECT \((kept.map { "d." + Self.quote($0) } + outputs.map { "p." + Self.quote($0) }).joined(separator: ", "))
            FROM (SELECT *, row_number() OVER () AS \(Self.rowColumn) FROM (\(Self.select(kept)))) d
            JOIN predictions p ON p.\(Self.rowColumn) = d.\(Self.rowColumn) ORDER BY d.\(Self.rowColumn)
            """, inputs: [input.input, TableInput(name: "predictions", files: [rows], format: .json)], to: joined,
            timeoutSeconds: 600)
        let recipe = Recipe(
            kind: "predict", inputs: ["\(input.ref) sha256:\(input.digest.hex)", model.model.description],
            details: ["endpoint": .string(request.endpoint), "columns": JSONValue(features), "keep": JSONValue(kept)])
        return try await datasets.commitFolder(
            request.output, project: model.live.project, paths: [joined], recipe: recipe,
            parents: [input.ref, model.model], message: "Predictions of \(model.model) for \(input.ref)", as: principal)
    }

    private static func select(_ columns: [String]) -> String {
        // A model or an output without columns of the input still has its rows.
        let list = columns.isEmpty ? "1 AS nothing" : columns.map(quote).joined(separator: ", ")
        return "SELECT \(list) FROM data"
    }

    /// Writes one JSON line a row: the row's number and what the model says. Returns the columns of predictions.
    private func predictRows(
        of input: BoundRows, _ features: [String], _ model: ServedModel, into path: String, as principal: Principal
    ) async throws -> [String] {
        var offset = 0
        var names: [String] = []
        // Columns go to the model by place: its own names for them count.
        let targets = model.columns ?? (model.inputs.count == 1 ? features : model.inputs.map(\.name))
        while true {
            try Task.checkCancellation()
            let chunk = try await platform.tables.query(
                Self.select(features) + " LIMIT \(Self.batchRows) OFFSET \(offset)", inputs: [input.input],
                maxRows: Self.batchRows, timeoutSeconds: 600)
            guard !chunk.rows.isEmpty else { break }
            let bound = try FrameBinding(model).bind(
                .table(columns: targets, rows: chunk.rows.map { row in row.map(\.json) }))
            let outputs = try await model.live.session.runner.infer(
                bound.tensors, outputs: nil, deadlineSeconds: configuration.deadlineSeconds)
            let columns = try BatchColumns(outputs, rows: chunk.rows.count)
            names = columns.names
            let text = columns.lines(first: offset + 1, rowColumn: Self.rowColumn)
            try await loader.pool.run { try Self.append(text, to: path) }
            offset += chunk.rows.count
            if chunk.rows.count < Self.batchRows { break }
        }
        guard offset > 0 else {
            throw SlipwayError.field("input", "\(input.ref) has no rows", expected: "rows to predict for")
        }
        return names
    }

    private static func quote(_ name: String) -> String {
        "\"" + name.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
    }

    private static func append(_ bytes: [UInt8], to path: String) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        func failure() -> SlipwayError {
            SlipwayError(.unavailable, "A work file cannot be written: \(String(cString: strerror(errno))).")
        }
        guard descriptor >= 0 else { throw failure() }
        defer { close(descriptor) }
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw failure() }
            rest = rest.dropFirst(count)
        }
    }
}
