import CDuckDB

/// A type of DuckDB's, read once a column. The numbers are those of the C API's `duckdb_type`.
indirect enum DuckDBType {
    case plain(Plain)
    case decimal(width: Int, scale: Int, storage: Plain)
    case enumeration(values: [String], storage: Plain)
    case list(DuckDBType)
    case array(DuckDBType, count: Int)
    case structure([(name: String, type: DuckDBType)])
    case map(key: DuckDBType, value: DuckDBType)
    case union([(name: String, type: DuckDBType)])
    /// VARCHAR that is known to hold JSON.
    case json
    case unsupported(Int32)

    enum Plain: Int32 {
        case boolean = 1
        case tinyint = 2
        case smallint = 3
        case integer = 4
        case bigint = 5
        case utinyint = 6
        case usmallint = 7
        case uinteger = 8
        case ubigint = 9
        case float = 10
        case double = 11
        case timestamp = 12
        case date = 13
        case time = 14
        case interval = 15
        case hugeint = 16
        case varchar = 17
        case blob = 18
        case timestampSeconds = 20
        case timestampMilliseconds = 21
        case timestampNanoseconds = 22
        case uuid = 27
        case timestampZone = 31
        case uhugeint = 32
        case null = 36

        var name: String {
            switch self {
            case .boolean: "BOOLEAN"
            case .tinyint: "TINYINT"
            case .smallint: "SMALLINT"
            case .integer: "INTEGER"
            case .bigint: "BIGINT"
            case .utinyint: "UTINYINT"
            case .usmallint: "USMALLINT"
            case .uinteger: "UINTEGER"
            case .ubigint: "UBIGINT"
            case .float: "FLOAT"
            case .double: "DOUBLE"
            case .timestamp: "TIMESTAMP"
            case .date: "DATE"
            case .time: "TIME"
            case .interval: "INTERVAL"
            case .hugeint: "HUGEINT"
            case .varchar: "VARCHAR"
            case .blob: "BLOB"
            case .timestampSeconds: "TIMESTAMP_S"
            case .timestampMilliseconds: "TIMESTAMP_MS"
            case .timestampNanoseconds: "TIMESTAMP_NS"
            case .uuid: "UUID"
            case .timestampZone: "TIMESTAMP WITH TIME ZONE"
            case .uhugeint: "UHUGEINT"
            case .null: "NULL"
            }
        }
    }

    init(_ raw: cduck_type?, _ library: DuckDBLibrary) {
        let api = library.api
        func child(_ make: (cduck_type?) -> cduck_type?) -> DuckDBType {
            var type = make(raw)
            defer { api.destroy_logical_type(&type) }
            return DuckDBType(type, library)
        }
        func text(_ pointer: UnsafeMutablePointer<CChar>?) -> String {
            guard let pointer else { return "" }
            defer { api.free(pointer) }
            return String(cString: pointer)
        }
        let number = api.get_type_id(raw)
        switch number {
        case 17 where text(api.logical_type_get_alias(raw)) == "JSON": self = .json
        case 19:
            self = .decimal(
                width: Int(api.decimal_width(raw)), scale: Int(api.decimal_scale(raw)),
                storage: Plain(rawValue: api.decimal_internal_type(raw)) ?? .hugeint)
        case 23:
            let values = (0..<UInt64(api.enum_dictionary_size(raw))).map { text(api.enum_dictionary_value(raw, $0)) }
            self = .enumeration(values: values, storage: Plain(rawValue: api.enum_internal_type(raw)) ?? .uinteger)
        case 24: self = .list(child { api.list_type_child_type($0) })
        case 25:
            self = .structure(
                (0..<api.struct_type_child_count(raw)).map { index in
                    (text(api.struct_type_child_name(raw, index)), child { api.struct_type_child_type($0, index) })
                })
        case 26: self = .map(key: child { api.map_type_key_type($0) }, value: child { api.map_type_value_type($0) })
        case 28:
            self = .union(
                (0..<api.union_type_member_count(raw)).map { index in
                    (text(api.union_type_member_name(raw, index)), child { api.union_type_member_type($0, index) })
                })
        case 33: self = .array(child { api.array_type_child_type($0) }, count: Int(api.array_type_array_size(raw)))
        default: self = Plain(rawValue: number).map { .plain($0) } ?? .unsupported(number)
        }
    }

    /// DuckDB's SQL name.
    var name: String {
        func fields(_ fields: [(name: String, type: DuckDBType)]) -> String {
            fields.map { "\(SQLText.isPlain($0.name) ? $0.name : SQLText.name($0.name)) \($0.type.name)" }.joined(
                separator: ", ")
        }
        switch self {
        case .plain(let plain): return plain.name
        case .decimal(let width, let scale, _): return "DECIMAL(\(width),\(scale))"
        case .enumeration(let values, _): return "ENUM(\(values.map(SQLText.literal).joined(separator: ", ")))"
        case .list(let element): return element.name + "[]"
        case .array(let element, let count): return "\(element.name)[\(count)]"
        case .structure(let members): return "STRUCT(\(fields(members)))"
        case .map(let key, let value): return "MAP(\(key.name), \(value.name))"
        case .union(let members): return "UNION(\(fields(members)))"
        case .json: return "JSON"
        case .unsupported(let number): return Self.otherNames[number] ?? "type \(number)"
        }
    }

    private static let otherNames: [Int32: String] = [
        29: "BIT", 30: "TIME WITH TIME ZONE", 35: "BIGNUM", 39: "TIME_NS",
    ]
}
