import Core

/// What the server asks of a worker for a page.
struct PageJob {
    enum Source {
        /// These rows, in this order.
        case rows([RowRun])
        /// The rows before or after one (nil: from the beginning) that meet the query's conditions, in its order.
        case scan(from: (file: Int, row: Int64)?, backwards: Bool)
    }

    enum Form: String { case table, arrow }

    let query: PageQuery
    let source: Source
    let form: Form

    var json: JSONValue {
        var fields: [String: JSONValue] = [
            "columns": query.columns.map { JSONValue($0) } ?? .null, "condition": JSONValue(query.condition),
            "search": JSONValue(query.search),
            "order": .array(query.order.map { [.string($0.column), .bool($0.descending)] }),
            "limit": JSONValue(query.limit), "form": .string(form.rawValue),
        ]
        switch source {
        case .rows(let runs): fields["rows"] = .array(runs.map(\.json))
        case .scan(let from, let backwards):
            fields["backwards"] = .bool(backwards)
            fields["from"] = from.map { [.int(Int64($0.file)), .int($0.row)] } ?? .null
        }
        return .object(fields)
    }

    init(_ query: PageQuery, _ source: Source, _ form: Form) {
        self.query = query
        self.source = source
        self.form = form
    }

    init(_ json: JSONValue) throws {
        let fields = try JSONFields(json)
        func pair(_ value: JSONValue) throws -> (JSONValue, JSONValue) {
            guard let pair = value.arrayValue, pair.count == 2 else { throw Self.damaged }
            return (pair[0], pair[1])
        }
        query = PageQuery(
            columns: fields["columns"]?.isNull == false ? try fields.strings("columns") : nil,
            condition: try fields.optionalString("condition"), search: try fields.optionalString("search"),
            order: try fields.array("order").map {
                let (column, descending) = try pair($0)
                return PageQuery.Order(column: column.stringValue ?? "", descending: descending.boolValue ?? false)
            }, limit: try fields.int("limit"))
        guard let form = Form(rawValue: try fields.string("form")) else { throw Self.damaged }
        self.form = form
        if fields["rows"] != nil {
            source = .rows(try fields.array("rows").map { try RowRun($0) })
        } else {
            let from = try fields["from"].flatMap { value -> (Int, Int64)? in
                if value.isNull { return nil }
                let (file, row) = try pair(value)
                return (Int(file.intValue ?? 0), row.intValue ?? 0)
            }
            source = .scan(from: from, backwards: try fields.bool("backwards", default: false))
        }
    }

    fileprivate static let damaged = SlipwayError(.internal, "A page's request has a form that is not known here.")
}

extension RowRun {
    var json: JSONValue { [.int(Int64(file)), .int(first), .int(count)] }

    init(_ json: JSONValue) throws {
        guard let parts = json.arrayValue?.compactMap(\.intValue), parts.count == 3 else { throw PageJob.damaged }
        self.init(file: Int(parts[0]), first: parts[1], count: parts[2])
    }
}
