import Core

/// Decides whether a user's SQL may run: one SELECT (WITH, VALUES, FROM-first and so on included) over the named tables
/// and nothing else.
///
/// It looks at the tree that DuckDB's own parser made of the text (`json_serialize_sql`, which refuses all but SELECT),
/// not at the text: what is checked is what is executed. Two things in a SELECT reach beyond its tables: functions in FROM
/// (`read_csv`, `glob`, `duckdb_settings`, `enable_logging`, `arrow_scan` …), of which only the few listed here pass, and
/// tables that are no table but a file (`FROM '/etc/passwd'`) or a view of the system, so each name must be an input or a
/// name from a WITH. Beneath this the engine runs with its own locks on, so that either of the two would hold alone.
struct SQLCheck {
    /// Functions in FROM that only make rows out of their arguments.
    static let tableFunctions: Set<String> = [
        "generate_series", "range", "unnest", "repeat", "repeat_row", "json_each", "json_tree",
    ]

    /// Scalar functions that tell about the server or act on it, or take raw engine states.
    static let deniedFunctions: Set<String> = [
        "current_setting", "getenv", "getvariable", "write_log", "nextval", "currval", "json_serialize_plan",
        "json_execute_serialized_sql", "current_connection_id", "txid_current", "setseed", "finalize", "combine",
        "parse_duckdb_log_message", "pg_get_viewdef", "pg_sleep", "sleep_ms", "inet_client_addr", "inet_server_addr",
        "inet_client_port", "inet_server_port", "current_query", "in_search_path", "getdatabase",
    ]

    /// The names of the tables that may be read, in lower case.
    let tables: Set<String>
    /// As given, for messages.
    let names: [String]
    /// Views of the system, in lower case: no WITH may borrow their names, or the name would pass where the WITH does not
    /// reach.
    let systemViews: Set<String>

    init(names: [String], systemViews: Set<String>) {
        self.names = names
        tables = Set(names.map { $0.lowercased() })
        self.systemViews = systemViews
    }

    /// Checks the answer of `json_serialize_sql`.
    ///
    /// - Throws: `invalid`, saying what is in the way.
    func check(_ tree: [UInt8]) throws {
        var walker = SyntaxWalker(tree)
        let found = try walker.walk()
        if let error = found.error { throw refusal(error) }
        guard found.statements == 1 else {
            throw SlipwayError.field(
                "sql", found.statements == 0 ? "is empty" : "has \(found.statements) statements", expected: "one SELECT"
            )
        }
        for function in found.tableFunctions {
            guard Self.tableFunctions.contains(function.name.lowercased()), function.isUnqualified else {
                throw refused(
                    "the function \(function.name) in FROM", "Queries read the tables they are given (\(listing)).")
            }
        }
        for function in found.functions where Self.deniedFunctions.contains(function.name.lowercased()) {
            throw refused("the function \(function.name)", "It tells about the server, not about the data.")
        }
        if let show = found.shows.first(where: { $0 != "DESCRIBE" && $0 != "SUMMARY" }) {
            throw refused(show.lowercased().split(separator: "_")[0].uppercased(), "The tables are \(listing).")
        }
        let withNames = Set(found.withNames.map { $0.lowercased() })
        if let taken = withNames.intersection(systemViews).min() {
            throw refused("WITH \(taken)", "That is the name of a view of the system; take another.")
        }
        for table in found.tables {
            let name = table.name.lowercased()
            guard table.isUnqualified, tables.contains(name) || withNames.contains(name) else {
                throw SlipwayError(
                    .invalid, "There is no table '\(table)'. The tables of this query are \(listing).",
                    details: ["field": "sql", "table": table.description])
            }
        }
    }

    private var listing: String { names.isEmpty ? "none" : names.joined(separator: ", ") }

    private func refused(_ what: String, _ hint: String) -> SlipwayError {
        SlipwayError(.forbidden, "A query may not use \(what). \(hint)", details: ["field": "sql"])
    }

    private func refusal(_ error: String) -> SlipwayError {
        if error.hasPrefix("Only SELECT statements") {
            return SlipwayError(
                .forbidden,
                "Only one SELECT may run here (also WITH, FROM, VALUES, DESCRIBE and SUMMARIZE). PIVOT needs its values: PIVOT t ON c IN ('a', 'b') USING sum(x).",
                details: ["field": "sql"])
        }
        return SlipwayError(.invalid, "The SQL cannot be read: \(error)", details: ["field": "sql"])
    }
}

/// What a syntax tree refers to.
struct SyntaxFindings {
    struct Name: CustomStringConvertible {
        var name = ""
        var schema = ""
        var catalog = ""
        var isUnqualified: Bool { schema.isEmpty && catalog.isEmpty }
        var description: String { [catalog, schema, name].filter { !$0.isEmpty }.joined(separator: ".") }
    }
    var error: String?
    var statements = 0
    var tables: [Name] = []
    var tableFunctions: [Name] = []
    var functions: [Name] = []
    var withNames: [String] = []
    /// DESCRIBE, SUMMARY, SHOW_…
    var shows: [String] = []
}

/// Walks the JSON of a syntax tree without recursion: trees are as deep as people nest their expressions.
struct SyntaxWalker {
    private struct Frame {
        /// The key under which this object or array stands; an element of an array has its array's.
        let key: String
        let isObject: Bool
        /// The object's members that are text.
        var texts: [String: String] = [:]
        /// The key that was read last.
        var current = ""
        /// For a function in FROM: whether it was one that has a name.
        var hasNamedFunction = false
        var elements = 0
    }

    private let bytes: [UInt8]
    private var at = 0
    private var stack: [Frame] = []
    private var findings = SyntaxFindings()

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    mutating func walk() throws -> SyntaxFindings {
        while at < bytes.count {
            switch bytes[at] {
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                let isObject = bytes[at] == UInt8(ascii: "{")
                count()
                stack.append(Frame(key: stack.last.map(\.current) ?? "", isObject: isObject))
                // An array hands its own key down to its elements.
                if !isObject { stack[stack.count - 1].current = stack[stack.count - 1].key }
                at += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                guard let frame = stack.popLast() else { throw Self.damaged }
                try close(frame)
                at += 1
            case UInt8(ascii: "\""):
                let text = try string()
                guard let top = stack.indices.last else { throw Self.damaged }
                if stack[top].isObject, at < bytes.count, bytes[at] == UInt8(ascii: ":") {
                    stack[top].current = text
                    at += 1
                } else {
                    count()
                    if stack[top].isObject { stack[top].texts[stack[top].current] = text }
                }
            default: at += 1
            }
        }
        guard stack.isEmpty else { throw Self.damaged }
        return findings
    }

    private mutating func count() {
        if let top = stack.indices.last, !stack[top].isObject { stack[top].elements += 1 }
    }

    private mutating func close(_ frame: Frame) throws {
        guard frame.isObject else {
            if frame.key == "statements", stack.count == 1 { findings.statements = frame.elements }
            return
        }
        let texts = frame.texts
        if stack.isEmpty { findings.error = texts["error_message"] }
        if let name = texts["function_name"] {
            let function = SyntaxFindings.Name(
                name: name, schema: texts["schema"] ?? "", catalog: texts["catalog"] ?? "")
            if frame.key == "function", let parent = stack.indices.last {
                findings.tableFunctions.append(function)
                stack[parent].hasNamedFunction = true
            } else {
                findings.functions.append(function)
            }
        }
        if frame.key == "map", let name = texts["key"] { findings.withNames.append(name) }
        if let name = texts["cte_name"] { findings.withNames.append(name) }
        switch texts["type"] {
        case "BASE_TABLE":
            guard let name = texts["table_name"] else { throw Self.damaged }
            findings.tables.append(
                .init(name: name, schema: texts["schema_name"] ?? "", catalog: texts["catalog_name"] ?? ""))
        case "TABLE_FUNCTION" where !frame.hasNamedFunction: throw Self.damaged
        case "SHOW_REF":
            // A name here instead of a query would be looked up by the engine itself.
            findings.shows.append(texts["table_name"] == "" ? texts["show_type"] ?? "SHOW" : "SHOW")
        default: break
        }
    }

    private mutating func string() throws -> String {
        at += 1
        var text: [UInt8] = []
        while at < bytes.count {
            switch bytes[at] {
            case UInt8(ascii: "\""):
                at += 1
                return String(decoding: text, as: UTF8.self)
            case UInt8(ascii: "\\"):
                guard at + 1 < bytes.count else { throw Self.damaged }
                // Enough for names: an escape that is not of these stays itself, and no name that passes has one.
                if let plain = Self.escapes[bytes[at + 1]] { text.append(plain) } else { text += [92, bytes[at + 1]] }
                at += 2
            default:
                text.append(bytes[at])
                at += 1
            }
        }
        throw Self.damaged
    }

    private static let escapes: [UInt8: UInt8] = [34: 34, 92: 92, 47: 47, 110: 10, 116: 9, 114: 13]
    private static let damaged = SlipwayError(.internal, "DuckDB gave a syntax tree of a form that is not known here.")
}
