/// The schema as stable text: tables with their columns, then indexes.
enum SchemaDump {
    static func text(_ db: any Transaction) throws -> String {
        switch db.dialect {
        case .sqlite:
            return try db.all(
                "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY type DESC, name"
            ) { try $0.text(0) + ";\n" }.joined(separator: "\n")
        case .postgres:
            let columns = try db.all(
                """
                SELECT table_name, column_name, data_type, is_nullable, coalesce(column_default, '')
                FROM information_schema.columns WHERE table_schema = current_schema() ORDER BY table_name, ordinal_position
                """
            ) { row in
                (
                    try row.text(0),
                    "    \(try row.text(1)) \(try row.text(2))\(try row.text(3) == "NO" ? " NOT NULL" : "")\(try row.text(4).isEmpty ? "" : " DEFAULT " + row.text(4))"
                )
            }
            var out = ""
            var table = ""
            for (name, line) in columns {
                if name != table { out += (table.isEmpty ? "" : "\n") + name + "\n" }
                table = name
                out += line + "\n"
            }
            let schema = try db.one("SELECT current_schema()") { try $0.text(0) } ?? "public"
            let indexes = try db.all(
                "SELECT indexdef FROM pg_indexes WHERE schemaname = current_schema() ORDER BY indexname"
            ) { try $0.text(0) }
            out +=
                "\n"
                + indexes.map { $0.split(separator: schema + ".", omittingEmptySubsequences: false).joined() + "\n" }
                .joined()
            return out
        }
    }
}
