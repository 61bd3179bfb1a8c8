import Core
import Tables

/// Two versions side by side.
public struct DatasetDiff: Sendable {
    public let from: DatasetVersion
    public let to: DatasetVersion
    public let rowsAdded: Int64
    public let rowsRemoved: Int64
    public let statistics: [JSONValue]

    public var json: JSONValue {
        let old = Dictionary(from.columns.map { ($0.name, $0.type) }) { a, _ in a }
        let new = Dictionary(to.columns.map { ($0.name, $0.type) }) { a, _ in a }
        let changed = from.columns.filter { column in new[column.name].map { $0 != column.type } ?? false }
        return [
            "from": JSONValue(from.ref), "to": JSONValue(to.ref), "same": .bool(from.digest == to.digest),
            "schema": [
                "added": JSONValue(to.columns.map(\.name).filter { old[$0] == nil }),
                "removed": JSONValue(from.columns.map(\.name).filter { new[$0] == nil }),
                "changed": .array(
                    changed.map { ["name": .string($0.name), "from": .string($0.type), "to": JSONValue(new[$0.name])] }),
            ],
            "rows": [
                "from": .int(from.rowCount), "to": .int(to.rowCount), "added": .int(rowsAdded),
                "removed": .int(rowsRemoved),
            ],
            "statistics": .array(statistics),
        ]
    }
}
