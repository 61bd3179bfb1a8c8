import ArgumentParser
import Client
import CommandKit
import Core

extension DataCommand {
    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show a version: schema, digest, recipe.",
            discussion: "Example: slipway data show dataset:sales@3")
        @Argument(help: "dataset:sales@3, dataset:sales or sales.") var ref: String
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let place = try Place(ref)
            let version = try await server.client().get(place.path, query: place.query)
            guard !output.json, !output.yaml, var fields = version.objectValue,
                let columns = fields.removeValue(forKey: "columns")?.arrayValue
            else { return try output.object(version) }
            fields["recipe"] = fields["recipe"]?["kind"]
            try output.object(.object(fields))
            Terminal.out("")
            try output.list(columns, [Column("Column", "name"), Column("Type", "type")], empty: "No columns.")
        }
    }

    struct Head: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show rows.",
            discussion: "Example: slipway data head sales --filter \"quantity > 2\" --order 'quantity DESC'")
        @Argument(help: "dataset:sales@3, slice:weekend or a dataset's name.") var ref: String
        @Option(help: "A filter: price > 2 AND store = '31'.") var filter: String?
        @Option(help: "Text that any column of text contains.") var search: String?
        @Option(help: "Columns, separated by commas.") var columns: String?
        @Option(help: "price DESC, day.") var order: String?
        @Option(help: "Begin at this row of the view, counted from 0.") var at: Int?
        @Option(help: "So many rows.") var limit = 10
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let place = try Place(ref)
            let answer = try await server.client().get(
                place.path + "/rows",
                query: place.query + [
                    ("filter", filter), ("search", search), ("columns", columns), ("order", order),
                    ("at", at.map(String.init)), ("limit", String(limit)),
                ])
            try Self.show(answer, output)
        }

        static func show(_ answer: JSONValue, _ output: OutputOptions) throws {
            let names = (answer["columns"]?.arrayValue ?? []).compactMap { $0["name"]?.stringValue }
            let rows = (answer["rows"]?.arrayValue ?? []).map { row in
                JSONValue.object(Dictionary(zip(names, row.arrayValue ?? [])) { a, _ in a })
            }
            if output.json || output.yaml { return try output.list(rows, []) }
            Terminal.out(
                Table.text(
                    rows: (answer["rows"]?.arrayValue ?? []).map { ($0.arrayValue ?? []).map(Column.shown) },
                    titles: names))
        }
    }

    struct Profile: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show the columns' counts, nulls, quantiles, histograms and top values.")
        @Argument(help: "dataset:sales@3, slice:weekend or a dataset's name.") var ref: String
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let place = try Place(ref)
            let profile = try await server.client().get(place.path + "/profile", query: place.query)
            if output.json || output.yaml { return try output.object(profile) }
            let rows = profile["rowCount"]?.intValue ?? 0
            let columns = (profile["columns"]?.arrayValue ?? []).map { column in
                var fields = column.objectValue ?? [:]
                fields["bars"] = .string(Bars.text(profile: column, rows: rows))
                if let type = column["type"]?.stringValue, type == "DATE" || type.hasPrefix("TIMESTAMP"),
                    let seconds = column["mean"]?.doubleValue
                {
                    fields["mean"] = JSONValue(Timestamp(milliseconds: Int64((seconds * 1000).rounded())))
                }
                return JSONValue.object(fields)
            }
            Terminal.out("\(rows) rows\n")
            try output.list(
                columns,
                [
                    Column("Column", "name"), Column("Type", "type"), Column("Nulls", "nullCount"),
                    Column("Distinct", "distinctCount"), Column("Min", "minimum"), Column("Mean", "mean"),
                    Column("Max", "maximum"), Column("Distribution", "bars"),
                ], empty: "No columns.")
        }
    }

    struct Compare: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Two versions or slices side by side: schema, counts, distributions.",
            discussion: """
                Example: slipway data compare sales@3 slice:weekend
                The distance is 0 where the distributions are the same and 1 where they have nothing in common.
                """)
        @Argument(help: "dataset:sales@3, slice:weekend or a dataset's name.") var left: String
        @Argument(help: "The other.") var right: String
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let answer = try await server.client().get(
                "/api/v1/compare",
                query: [("left", try Place.ref(left).description), ("right", try Place.ref(right).description)])
            if output.json || output.yaml { return try output.object(answer) }
            for side in ["left", "right"] {
                Terminal.out(
                    "\(side)\t\(answer[side]?["ref"]?.stringValue ?? "")\t\(answer[side]?["rows"]?.intValue ?? 0) rows")
            }
            for (key, title) in [("onlyLeft", "only left"), ("onlyRight", "only right")] {
                let names = answer["schema"]?[key]?.arrayValue?.compactMap(\.stringValue) ?? []
                if !names.isEmpty { Terminal.out("\(title)\t\(names.joined(separator: ", "))") }
            }
            for change in answer["schema"]?["types"]?.arrayValue ?? [] {
                let (left, right) = (change["left"]?.stringValue ?? "", change["right"]?.stringValue ?? "")
                Terminal.out("type of \(change["name"]?.stringValue ?? "")\t\(left) -> \(right)")
            }
            Terminal.out("")
            try output.list(
                (answer["columns"]?.arrayValue ?? []).map(Self.line),
                [
                    Column("Column", "name"), Column("Distance", "distance"), Column("Left", "leftBars"),
                    Column("Right", "rightBars"), Column("Left mean", "left.mean"), Column("Right mean", "right.mean"),
                    Column("Left nulls", "left.nullCount"), Column("Right nulls", "right.nullCount"),
                ], empty: "No column is in both.")
        }

        private static func line(_ column: JSONValue) -> JSONValue {
            var fields = column.objectValue ?? [:]
            let distribution = column["distribution"] ?? .null
            let values = distribution["values"]?.arrayValue?.compactMap(\.stringValue)
            for side in ["left", "right"] {
                let counts = distribution[side]?["counts"]?.arrayValue?.compactMap(\.intValue) ?? []
                let rest = ["below", "above", "other"].compactMap { distribution[side]?[$0]?.intValue }.reduce(0, +)
                fields[side + "Bars"] = .string(
                    values.map { Bars.shares(Array(zip($0, counts)), of: counts.reduce(rest, +)) } ?? Bars.text(counts))
            }
            return .object(fields)
        }
    }
}
