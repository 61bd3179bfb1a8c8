import Core

/// From which columns each column of a version comes.
struct ColumnLineage: Sendable, Hashable {
    enum Kind: String, Sendable, Hashable, Comparable {
        /// The value itself.
        case identity
        /// Something worked out from the value.
        case transformation
        /// Something worked out from the values of many rows.
        case aggregation

        static func < (a: Kind, b: Kind) -> Bool { order(a) < order(b) }
        private static func order(_ kind: Kind) -> Int { kind == .identity ? 0 : kind == .transformation ? 1 : 2 }
    }

    struct Source: Sendable, Hashable {
        /// The dataset version.
        let ref: Ref
        let column: String
        let kind: Kind
    }

    struct Column: Sendable, Hashable {
        let name: String
        let sources: [Source]
    }

    let columns: [Column]

    var json: JSONValue {
        .array(
            columns.map { column in
                [
                    "name": .string(column.name),
                    "sources": .array(
                        column.sources.map {
                            [
                                "ref": JSONValue($0.ref), "column": .string($0.column),
                                "kind": .string($0.kind.rawValue),
                            ]
                        }),
                ]
            })
    }

    init(columns: [Column]) { self.columns = columns }

    init(_ json: JSONValue) throws {
        columns = try (json.arrayValue ?? []).map { item in
            let fields = try JSONFields(item)
            return Column(
                name: try fields.string("name"),
                sources: try fields.array("sources").map { source in
                    let fields = try JSONFields(source)
                    return Source(
                        ref: try fields.ref("ref"), column: try fields.string("column"),
                        kind: Kind(rawValue: try fields.string("kind")) ?? .transformation)
                })
        }
    }
}
