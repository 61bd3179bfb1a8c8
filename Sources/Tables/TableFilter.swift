import Core

extension Filter {
    /// The filter as an SQL condition over a table: names are matched to the columns and quoted, values become literals,
    /// so no text of a user's reaches the SQL unquoted.
    ///
    /// A field with an entity (`a.b`) means the column `a.b`, and if there is none the member `b` of the column `a`.
    ///
    /// - Throws: `invalid` for a column that does not exist, naming those that do.
    public func condition(columns: [TableColumn]) throws -> String {
        switch self {
        case .and(let parts): return try Self.join(parts, " AND ", columns)
        case .or(let parts): return try Self.join(parts, " OR ", columns)
        case .not(let part): return "(NOT \(try part.condition(columns: columns)))"
        case .isNull(let field): return "(\(try Self.column(field, columns).name) IS NULL)"
        case .isOneOf(let field, let values):
            let (name, type) = try Self.column(field, columns)
            return "(\(name) IN (\(values.map { Self.literal($0, type) }.joined(separator: ", "))))"
        case .compare(let field, let comparison, let value):
            let (name, type) = try Self.column(field, columns)
            switch comparison {
            case .like, .ilike: return "(\(name)::VARCHAR \(comparison.rawValue) \(Self.literal(value, "VARCHAR")))"
            default: return "(\(name) \(comparison.rawValue) \(Self.literal(value, type)))"
            }
        }
    }

    private static func join(_ parts: [Filter], _ word: String, _ columns: [TableColumn]) throws -> String {
        "(\(try parts.map { try $0.condition(columns: columns) }.joined(separator: word)))"
    }

    private static func column(_ field: FilterField, _ columns: [TableColumn]) throws -> (name: String, type: String?) {
        func find(_ name: String) -> TableColumn? {
            columns.first { $0.name == name } ?? columns.first { $0.name.lowercased() == name.lowercased() }
        }
        if let column = find(field.description) { return (SQLText.name(column.name), column.type) }
        if let entity = field.entity, let column = find(entity), column.type.hasPrefix("STRUCT(") {
            return ("\(SQLText.name(column.name)).\(SQLText.name(field.key))", nil)
        }
        throw EngineErrors.unknownColumn(field.description, ["the table": columns])
    }

    private static func literal(_ value: FilterValue, _ type: String?) -> String {
        switch value {
        case .text(let text): return SQLText.literal(text)
        case .bool(let flag): return flag ? "true" : "false"
        case .number(let number):
            let text = Int64(exactly: number).map(String.init) ?? number.description
            // Compared with text, a number is text: no cell is forced to be a number.
            if type == "VARCHAR" { return SQLText.literal(text) }
            return number.isFinite && Int64(exactly: number) != nil ? text : "\(SQLText.literal(text))::DOUBLE"
        }
    }
}
