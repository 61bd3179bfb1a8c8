import Core
import Tables

/// The rows that a contract is asked of.
struct QualitySubject: Sendable {
    let dataset: String
    /// The dataset's key columns, shown with example rows.
    let key: [String]
    /// Of the version that would be made.
    let columns: [TableColumn]
    /// The rows that are added, or all when the version is made anew; named `new`, with positions.
    let new: TableInput
    let newRows: Int64
    /// The rows that are kept; named `base`.
    var base: TableInput?
    var baseRows: Int64 = 0
    /// Columns whose values are not shown: personal data.
    var hidden: Set<String> = []
    /// The source that is being read at this moment.
    var source: Ref?

    var types: [String: String] { Dictionary(columns.map { ($0.name, $0.type) }) { first, _ in first } }

    /// The whole version, named `data`.
    var data: TableInput {
        let (old, oldLabels) = (base?.files ?? [], base.map { base in base.files.indices.map { base.label($0) } } ?? [])
        return TableInput(
            name: "data", files: old + new.files, labels: oldLabels + new.files.indices.map { new.label($0) },
            format: .parquet)
    }

    /// What an example shows of each row.
    func shown(_ columns: [String]) -> [String] {
        let known = Set(self.columns.map(\.name))
        return (key + columns.filter { !key.contains($0) }).filter(known.contains)
    }

    /// Rows of a query over `new` that begins with the two columns of the position.
    func examples(_ rows: [[TableValue]], _ columns: [String]) -> [JSONValue] {
        let labels = Dictionary(new.files.indices.map { (new.files[$0], new.label($0)) }) { first, _ in first }
        return rows.prefix(QualityReport.examplesMaximum).map { row in
            let path = row[0].text ?? ""
            var keys: [String: JSONValue] = [:]
            var values: [String: JSONValue] = [:]
            for (name, value) in zip(columns, row.dropFirst(2)) {
                let shown = hidden.contains(name) && !value.isNull ? "***" : Self.short(value.json)
                if key.contains(name) { keys[name] = shown } else { values[name] = shown }
            }
            var fields: [String: JSONValue] = ["file": .string(labels[path] ?? path), "values": .object(values)]
            fields["row"] = row[1].intValue.map { .int($0 + 1) }
            if !keys.isEmpty { fields["key"] = .object(keys) }
            return .object(fields)
        }
    }

    static func short(_ value: JSONValue) -> JSONValue {
        switch value {
        case .string(let text) where text.utf8.count > 200: .string(String(text.prefix(200)) + "…")
        case .array, .object: short(.string(value.canonicalText))
        default: value
        }
    }
}
