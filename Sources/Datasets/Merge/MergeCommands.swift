import ArgumentParser
import Client
import CommandKit
import Core

/// `label=newest` and the like.
private func ruleMap(_ pairs: [String], ranks: [String]) throws -> JSONValue {
    var map: [String: JSONValue] = [:]
    for pair in pairs {
        let parts = pair.split(separator: "=", maxSplits: 1).map(String.init)
        guard parts.count == 2 else {
            throw SlipwayError.field("rules", "'\(pair)' is not a rule", expected: "column=rule, as in label=newest")
        }
        map[parts[0]] =
            parts[1] == "annotator-rank" ? ["rule": .string(parts[1]), "ranks": JSONValue(ranks)] : .string(parts[1])
    }
    return .object(map)
}

/// A line for each column that both sides changed in ways that do not go together.
private func columnsInConflict(_ merge: JSONValue?) -> [String] {
    (merge?["schemaConflicts"]?.arrayValue ?? []).map { conflict in
        func type(_ side: String) -> String { "\(side) \(conflict[side]?.stringValue ?? "(dropped)")" }
        return
            "  column \(CellStyle.plain(conflict["column"] ?? .null)) (\(conflict["kind"]?.stringValue ?? "")): \(type("ours")), \(type("theirs"))"
    }
}

private func words(_ text: String?) -> [String] { (text ?? "").split(separator: ",").map(String.init) }

extension DataCommand {
    struct Merge: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Merge a version into a branch, cell by cell.",
            discussion: """
                Examples: slipway data merge sales fix-prices
                          slipway data merge digits ann --rules label=annotator-rank --ranks ann,bob
                What both sides changed differently stays as conflicts: 'slipway data conflicts' and 'data resolve'.
                """)
        @Argument(help: "The dataset.") var dataset: String
        @Argument(help: "A branch, tag or version.") var from: String
        @Option(help: "Into which branch.") var into = "main"
        @Option(help: "Columns that identify a row, with commas (default: the dataset's).") var key: String?
        @Option(help: "For all conflicts: ours, theirs, newest, annotator-rank, majority or filled.") var rule: String?
        @Option(parsing: .singleValue, help: "For one column: label=newest. May be repeated.") var rules: [String] = []
        @Option(help: "Of annotator-rank: names with commas, the first counts most.") var ranks: String?
        @Option(help: "cell, or row: two changes of one row conflict.") var by = "cell"
        @Option(help: "Why.") var message = ""
        @Flag(help: "Only say what would come of it.") var trial = false
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            var body: [String: JSONValue] = [
                "from": .string(from), "into": .string(into), "by": .string(by), "message": .string(message),
                "trial": .bool(trial), "rules": try ruleMap(rules, ranks: words(ranks)),
            ]
            if let key { body["key"] = JSONValue(words(key)) }
            if let rule { body["rule"] = .string(rule) }
            if rule == "annotator-rank" { body["ranks"] = JSONValue(words(ranks)) }
            let answer = try await server.client().post(
                "/api/v1/datasets/\(percentEncode(dataset))/merge", .object(body), timeoutSeconds: 3600)
            if output.json || output.yaml { try output.object(answer) } else { Terminal.out(Self.text(answer)) }
            // A script must not go on as if it were merged.
            if answer["state"] == "conflicts", !trial { throw ExitCode(ErrorCode.conflict.exitCode) }
        }

        static func text(_ answer: JSONValue) -> String {
            let counts = answer["counts"]
            func count(_ name: String) -> Int64 { counts?[name]?.intValue ?? 0 }
            let took =
                "rows added \(count("added")), deleted \(count("deleted")), edited \(count("edited")) (\(count("cells")) cells)"
            let ref = answer["version"]?["ref"]?.stringValue ?? ""
            switch answer["state"]?.stringValue {
            case "upToDate": return "There is nothing to merge: \(ref) has all of it."
            case "fastForward": return "The branch had not moved; it is at \(ref) now."
            case "mergeable": return "It would merge: \(took); conflicts \(count("conflicts")), all decided by rules."
            case "merged":
                let decided = count("conflicts") > 0 ? "; \(count("conflicts")) conflicts decided by rules" : ""
                return "\(ref): \(took)\(decided)."
            default:
                let columns = (counts?["byColumn"]?.objectValue ?? [:]).sorted { $0.key < $1.key }.map {
                    "  \(CellStyle.plain(.string($0.key))): \($0.value.intValue ?? 0)"
                }
                let schema = columnsInConflict(answer["merge"])
                let deleted = count("deleteConflicts")
                let id = answer["id"]?.stringValue
                var lines = [
                    schema.isEmpty
                        ? "\(count("conflicts")) conflicts in \(count("rowsInConflict")) rows, \(count("open")) open; without them: \(took)."
                        : "The columns come first:"
                ]
                lines += schema + columns
                if deleted > 0 { lines.append("  deleted on one side, changed on the other: \(deleted)") }
                if let id {
                    lines += [
                        "Merge \(id)", "  look     slipway data conflicts \(id)",
                        "  decide   slipway data resolve \(id) "
                            + (schema.isEmpty
                                ? "--rule newest | --take ours [--column C] [--key store=1]"
                                : "--take ours | --take theirs [--column C]"),
                        "  finish   slipway data resolve \(id) --commit",
                    ]
                }
                return lines.joined(separator: "\n")
            }
        }
    }

    struct Conflicts: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List a merge's conflicts, or a dataset's merges.",
            discussion: "Example: slipway data conflicts 3f2a… --column price")
        @Argument(help: "A merge's id, or a dataset's name.") var merge: String
        @Option(help: "Only of this column or label.") var column: String?
        @Option(help: "open or decided.") var state: String?
        @Option(help: "At most so many.") var limit = 20
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let client = server.client()
            guard merge.count == 32, merge.allSatisfy({ $0.isHexDigit }) else {
                let items = try await client.list("/api/v1/datasets/\(percentEncode(merge))/merges", limit: limit)
                return try output.list(
                    items,
                    [
                        Column("Merge", "id"), Column("State", "state"), Column("From", "from"), Column("Into", "into"),
                        Column("Conflicts", "counts.conflicts"), Column("Open", "counts.open"),
                        Column("Version", "version"), Column("By", "author"), Column("Created", "created"),
                    ])
            }
            let items = try await client.list(
                "/api/v1/merges/\(percentEncode(merge))/conflicts", query: [("column", column), ("state", state)],
                limit: limit)
            if output.json || output.yaml { return try output.list(items, []) }
            func side(_ value: JSONValue?) -> String {
                let shown = value?["deleted"] == true ? "(deleted)" : CellStyle.plain(value?["value"] ?? .null)
                let who = [
                    value?["annotator"]?.stringValue ?? value?["author"]?.stringValue ?? "?",
                    value?["version"]?.intValue.map { "@\($0)" } ?? "",
                ].joined()
                return "\(shown) (\(who))"
            }
            if items.isEmpty {
                let schema = columnsInConflict(try await client.get("/api/v1/merges/\(percentEncode(merge))"))
                return Terminal.out(
                    schema.isEmpty ? "No conflicts." : (["The columns come first:"] + schema).joined(separator: "\n"))
            }
            Terminal.out(
                Table.text(
                    rows: items.map { item in
                        [
                            CellStyle.plain(item["id"] ?? .null), CellStyle.key(item["key"]),
                            item["column"]?.stringValue ?? "(row)", CellStyle.plain(item["base"] ?? .null),
                            side(item["ours"]), side(item["theirs"]),
                            item["decision"]?["take"]?.stringValue.map {
                                "\($0) by \(item["decision"]?["how"]?.stringValue ?? "")"
                            }
                                ?? "open",
                        ]
                    }, titles: ["Id", "Key", "Column", "Base", "Ours", "Theirs", "Decision"]))
        }
    }

    struct Resolve: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Decide conflicts of a merge, and finish it.",
            discussion: """
                Examples: slipway data resolve 3f2a… --rule newest --column label
                          slipway data resolve 3f2a… --key store=31 --key day=2017-06-01 --column price --value 2.5
                          slipway data resolve 3f2a… --take ours --commit
                          slipway data resolve 3f2a… --file decisions.json   (a list, as the HTTP API takes it)
                """)
        @Argument(help: "A merge's id.") var merge: String
        @Option(parsing: .singleValue, help: "A row: column=value of its key. May be repeated.") var key: [String] = []
        @Option(help: "One conflict by its number.") var id: Int?
        @Option(help: "A column or label.") var column: String?
        @Option(help: "ours, theirs, base, or open to take a decision back.") var take: String?
        @Option(help: "A value of your own, as JSON or as text.") var value: String?
        @Option(help: "A rule for what is open: ours, theirs, newest, annotator-rank, majority or filled.") var rule:
            String?
        @Option(help: "Of annotator-rank: names with commas, the first counts most.") var ranks: String?
        @Option(help: "A file with a list of decisions.") var file: String?
        @Flag(help: "Make the version when nothing is open.") var commit = false
        @Flag(help: "Give the merge up.") var abandon = false
        @Option(help: "Why.") var message: String?
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let client = server.client()
            let path = "/api/v1/merges/\(percentEncode(merge))"
            if abandon {
                _ = try await client.send("DELETE", path)
                return Terminal.out("Given up; no version was made.")
            }
            var answer: JSONValue?
            if let file {
                answer = try await client.post(path + "/resolutions", JSONValue(parsing: try TextFile.read(file)))
            }
            if take != nil || value != nil || rule != nil {
                answer = try await client.post(
                    path + "/resolutions", ["resolutions": [try one()]], timeoutSeconds: 3600)
            }
            if commit {
                var body: [String: JSONValue] = [:]
                if let message { body["message"] = .string(message) }
                let done = try await client.post(path + "/commit", .object(body), timeoutSeconds: 3600)
                if output.json || output.yaml { return try output.object(done) }
                return Terminal.out("\(done["version"]?["ref"]?.stringValue ?? "") made.")
            }
            let merge = if let answer { answer } else { try await client.get(path) }
            if output.json || output.yaml { return try output.object(merge) }
            let open = merge["counts"]?["open"]?.intValue ?? 0
            let schema = merge["schemaConflicts"]?.arrayValue?.count ?? 0
            Terminal.out(
                schema > 0
                    ? "\(schema) columns are not decided."
                    : "\(open) of \(merge["counts"]?["conflicts"]?.intValue ?? 0) conflicts are open.")
        }

        private func one() throws -> JSONValue {
            var fields: [String: JSONValue] = [:]
            var row: [String: JSONValue] = [:]
            for pair in key {
                let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
                guard parts.count == 2 else {
                    throw SlipwayError.field("key", "'\(pair)' is not part of a key", expected: "column=value")
                }
                row[parts[0]] = .string(parts[1])
            }
            if !row.isEmpty { fields["key"] = .object(row) }
            if let id { fields["id"] = JSONValue(id) }
            if let column { fields["column"] = .string(column) }
            if let take { fields["take"] = .string(take) }
            if let value { fields["value"] = (try? JSONValue(parsing: value)) ?? .string(value) }
            if let rule { fields["rule"] = .string(rule) }
            if let ranks { fields["ranks"] = JSONValue(words(ranks)) }
            return .object(fields)
        }
    }

    struct Union: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Put the rows of datasets below each other.",
            discussion: """
                Examples: slipway data union all-sales dataset:tills dataset:web --schema fill,cast --source origin
                          slipway data union sales dataset:more-sales --append --schema cast
                """)
        @Argument(help: "The dataset to make a version of.") var name: String
        @Argument(help: "Refs or names, in order.") var inputs: [String]
        @Option(help: "strict, common, fill, cast; or two of them: fill,cast.") var schema = "strict"
        @Option(parsing: .singleValue, help: "column=TYPE. May be repeated.") var type: [String] = []
        @Option(help: "The name of a column that says where a row is from.") var source: String?
        @Flag(help: "Onto the rows that the branch has, with its columns.") var append = false
        @Option(help: "Why.") var message = ""
        @Option(help: "Onto which branch.") var branch = "main"
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let types = type.reduce(into: [String: JSONValue]()) { map, pair in
                let parts = pair.split(separator: "=", maxSplits: 1).map(String.init)
                map[parts[0]] = .string(parts.count == 2 ? parts[1] : "")
            }
            var body: [String: JSONValue] = [
                "inputs": JSONValue(inputs.map { $0.contains(":") ? $0 : "dataset:" + $0 }),
                "schema": .string(schema), "types": .object(types), "append": .bool(append),
                "message": .string(message), "branch": .string(branch), "project": .string(server.projectName),
            ]
            if let source { body["source"] = .string(source) }
            try output.object(
                try await server.client().post(
                    "/api/v1/datasets/\(percentEncode(name))/union", .object(body), timeoutSeconds: 3600))
        }
    }

    struct Join: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Put the columns of two datasets side by side.",
            discussion:
                "Example: slipway data join enriched sales products --on product_id  (or --on product=id)")
        @Argument(help: "The dataset to make a version of.") var name: String
        @Argument(help: "A ref or a name.") var left: String
        @Argument(help: "A ref or a name.") var right: String
        @Option(parsing: .singleValue, help: "A column to match, or left=right. May be repeated.") var on: [String] = []
        @Option(help: "left, inner, right, full, semi or anti.") var how = "left"
        @Option(help: "many-to-one, one-to-one, one-to-many or many-to-many.") var relationship = "many-to-one"
        @Option(help: "For columns of the right that the left has too.") var suffix: String?
        @Option(help: "strict, or cast if the types of the key differ.") var schema = "strict"
        @Option(help: "Why.") var message = ""
        @Option(help: "Onto which branch.") var branch = "main"
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let pairs = on.map { $0.split(separator: "=", maxSplits: 1).map(String.init) }
            func ref(_ text: String) -> JSONValue { .string(text.contains(":") ? text : "dataset:" + text) }
            var body: [String: JSONValue] = [
                "left": ref(left), "right": ref(right),
                "on": .object(Dictionary(pairs.map { ($0[0], .string($0.last ?? $0[0])) }) { a, _ in a }),
                "how": .string(how), "relationship": .string(relationship), "schema": .string(schema),
                "message": .string(message), "branch": .string(branch), "project": .string(server.projectName),
            ]
            if let suffix { body["suffix"] = .string(suffix) }
            try output.object(
                try await server.client().post(
                    "/api/v1/datasets/\(percentEncode(name))/join", .object(body), timeoutSeconds: 3600))
        }
    }
}
