import Core
import Database

/// SQL over predictions and feedback and nothing else.
struct PredictionStore: Sendable {
    /// A prediction as it is written: the tensors are JSON text already.
    struct Draft: Sendable {
        let id: String
        let endpoint: String
        let project: String
        let model: String
        let version: Int
        let time: Timestamp
        let rowCount: Int
        let layout: String?
        let inputs: String
        let outputs: String
        let requestID: String
        let principal: String
    }

    /// Rows a statement: a few sizes only, so that the prepared statements are found again.
    private static let statementRows = [64, 8, 1]

    func insert(_ db: any Transaction, _ drafts: [Draft]) throws {
        var rest = drafts[...]
        for size in Self.statementRows {
            while rest.count >= size {
                let rows = rest.prefix(size).map { d -> SQL in
                    "(\(d.id), \(d.endpoint), \(d.project), \(d.model), \(d.version), \(d.time), \(d.rowCount), \(d.layout), \(d.inputs), \(d.outputs), \(d.requestID), \(d.principal))"
                }
                // A batch whose commit was acknowledged to nobody may be written again.
                try db.execute(
                    """
                    INSERT INTO prediction (id, endpoint, project, model, version, time_ms, row_count, layout, inputs, outputs, request_id, principal)
                    VALUES \(SQL.joined(rows, by: ", ")) ON CONFLICT (id) DO NOTHING
                    """)
                rest = rest.dropFirst(size)
            }
        }
    }

    /// Remembers columns' names by their digest, once.
    func insert(_ db: any Transaction, layout id: String, columns: JSONValue) throws {
        try db.execute(
            "INSERT INTO prediction_layout (id, columns) VALUES (\(id), \(columns)) ON CONFLICT (id) DO NOTHING")
    }

    private static let columns: SQL =
        """
        SELECT p.id, p.endpoint, p.project, p.model, p.version, p.time_ms, p.row_count, p.inputs, p.outputs, p.request_id,
            p.principal, l.columns
        FROM prediction p LEFT JOIN prediction_layout l ON l.id = p.layout
        """

    func prediction(_ db: any Transaction, _ id: String) throws -> Prediction? {
        try db.one("\(Self.columns) WHERE p.id = \(id)", Self.prediction)
    }

    /// Where a reading goes on.
    struct Place: Sendable {
        let time: Timestamp
        let id: String
    }

    /// At most `limit` predictions of `[from, to)`, in one order of time, those after `place` only.
    func predictions(
        _ db: any Transaction, endpoint: String, from: Timestamp?, to: Timestamp?, newestFirst: Bool,
        after place: Place?,
        limit: Int
    ) throws -> [Prediction] {
        var conditions: [SQL] = ["p.endpoint = \(endpoint)"]
        if let from { conditions.append("p.time_ms >= \(from)") }
        if let to { conditions.append("p.time_ms < \(to)") }
        if let place {
            conditions.append(
                newestFirst
                    ? "(p.time_ms, p.id) < (\(place.time), \(place.id))"
                    : "(p.time_ms, p.id) > (\(place.time), \(place.id))")
        }
        let order: SQL = newestFirst ? "p.time_ms DESC, p.id DESC" : "p.time_ms, p.id"
        return try db.all(
            "\(Self.columns) WHERE \(SQL.all(conditions)) ORDER BY \(order) LIMIT \(limit)", Self.prediction)
    }

    /// Project and rows of predictions, by id.
    func extents(_ db: any Transaction, _ ids: [String]) throws -> [String: (project: String, rowCount: Int)] {
        var found: [String: (project: String, rowCount: Int)] = [:]
        for chunk in ids.chunks(of: 500) {
            try db.forEach("SELECT id, project, row_count FROM prediction WHERE id IN (\(list: Array(chunk)))") { row in
                found[try row.text(0)] = (try row.text(1), Int(try row.int(2)))
                return true
            }
        }
        return found
    }

    func put(_ db: any Transaction, _ feedback: Feedback, by principal: String) throws {
        try db.execute(
            """
            INSERT INTO prediction_feedback (prediction, row_number, value, time_ms, told_by)
            VALUES (\(feedback.predictionID), \(feedback.row), \(feedback.value), \(feedback.time), \(principal))
            ON CONFLICT (prediction, row_number) DO UPDATE SET value = excluded.value, time_ms = excluded.time_ms,
                told_by = excluded.told_by
            """)
    }

    /// Ordered by prediction and row.
    func feedback(_ db: any Transaction, _ ids: [String]) throws -> [Feedback] {
        var found: [Feedback] = []
        for chunk in ids.sorted().chunks(of: 500) {
            found += try db.all(
                """
                SELECT prediction, row_number, value, time_ms FROM prediction_feedback WHERE prediction IN (\(list: Array(chunk)))
                ORDER BY prediction, row_number
                """
            ) {
                Feedback(
                    predictionID: try $0.text(0), row: Int(try $0.int(1)), value: try $0.json(2), time: try $0.time(3))
            }
        }
        return found
    }

    private static func prediction(_ row: any Row) throws -> Prediction {
        let columns = try row.optionalText(11).map { try JSONValue(parsing: $0) }
        return Prediction(
            id: try row.text(0), endpoint: try row.text(1), project: try row.text(2),
            model: Ref(.model, try row.text(3), version: Int(try row.int(4))), time: try row.time(5),
            rowCount: Int(try row.int(6)), inputs: named(try row.json(7), columns?["inputs"]),
            outputs: named(try row.json(8), columns?["outputs"]), requestID: try row.text(9),
            principal: try row.text(10))
    }

    /// Puts the columns' names into the tensors that have that many.
    private static func named(_ tensors: JSONValue, _ columns: JSONValue?) -> JSONValue {
        guard let columns = columns?.objectValue, var fields = tensors.objectValue else { return tensors }
        for (name, names) in columns {
            guard var tensor = fields[name]?.objectValue, let sizes = tensor["shape"]?.arrayValue, sizes.count > 1,
                sizes.last?.intValue == names.arrayValue.map({ Int64($0.count) })
            else { continue }
            tensor["columns"] = names
            fields[name] = .object(tensor)
        }
        return .object(fields)
    }
}

extension Array {
    func chunks(of size: Int) -> [ArraySlice<Element>] {
        stride(from: 0, to: count, by: size).map { self[$0..<Swift.min($0 + size, count)] }
    }
}
