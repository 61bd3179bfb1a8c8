import ArgumentParser
import Client
import CommandKit
import Core

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

extension DataCommand {
    struct Diff: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Compare two versions: schema, rows, cells, labels.",
            discussion: """
                Examples: slipway data diff sales 3 4
                          slipway data diff sales@main sales@fix-prices --rows changed
                """)
        @Argument(help: "A dataset (then two versions follow), or a ref such as sales@3.") var first: String
        @Argument(help: "A version, tag or branch; or a ref such as sales@prod.") var second: String
        @Argument(help: "A version, tag or branch.") var third: String?
        @Option(help: "Columns that identify a row, with commas; 'none' compares rows as multisets.") var key: String?
        @Option(help: "List the rows: added, removed, changed or all.") var rows: String?
        @Option(help: "At most so many rows.") var limit = 50
        @Flag(help: "Compare the columns' profiles too.") var statistics = false
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let (name, from, to) = try versions()
            let path = "/api/v1/datasets/\(percentEncode(name))/diff"
            let query: [(String, String?)] = [("from", from), ("to", to), ("key", key)]
            let client = server.client()
            if let rows {
                let items = try await client.list(path, query: query + [("kind", rows)], limit: limit)
                if output.json || output.yaml { return try output.list(items, []) }
                let style = CellStyle(isColoured: isatty(STDOUT_FILENO) == 1)
                Terminal.out(items.isEmpty ? "No such rows." : items.map(style.row).joined(separator: "\n"))
                if items.count == limit { Terminal.error("The first \(limit); --limit for more.") }
                return
            }
            let diff = try await client.get(path, query: query + [("statistics", statistics ? "true" : "false")])
            if output.json || output.yaml { return try output.object(diff) }
            Terminal.out(CellStyle(isColoured: isatty(STDOUT_FILENO) == 1).summary(diff))
        }

        /// `sales 3 4`, `sales@3 sales@4`, `sales@3 4`, or `sales prod` (against the head of main).
        private func versions() throws -> (name: String, from: String, to: String) {
            func ref(_ text: String) throws -> Ref {
                try Ref(parsing: text.contains(":") ? text : "dataset:" + text)
            }
            let a = try ref(first)
            if let third { return (a.name, second, third) }
            if let from = a.selector {
                // As everywhere, the name alone is its newest version.
                if second == a.name { return (a.name, from, "latest") }
                guard second.contains("@") || second.contains(":") else { return (a.name, from, second) }
                let b = try ref(second)
                guard a.name == b.name else {
                    throw SlipwayError.field(
                        "versions", "are not of one dataset", expected: "two versions such as sales@3 sales@4")
                }
                return (a.name, from, b.selector ?? "latest")
            }
            return (a.name, "latest", second)
        }
    }
}

/// How differences look on a terminal: what was in red, what is in green, in signs where there are no colours.
struct CellStyle {
    let isColoured: Bool

    private func red(_ text: String) -> String { isColoured ? "\u{1B}[31m\(text)\u{1B}[0m" : text }
    private func green(_ text: String) -> String { isColoured ? "\u{1B}[32m\(text)\u{1B}[0m" : text }
    private func yellow(_ text: String) -> String { isColoured ? "\u{1B}[33m\(text)\u{1B}[0m" : text }

    /// Text from data, with nothing in it that a terminal would obey.
    static func plain(_ value: JSONValue) -> String {
        let text = value.isNull ? "NULL" : Column.shown(value)
        let shown = String(
            String.UnicodeScalarView(text.unicodeScalars.map { $0.value < 32 || $0.value == 127 ? "\u{FFFD}" : $0 }))
        return shown.count > 60 ? shown.prefix(59) + "…" : shown
    }

    static func key(_ value: JSONValue?) -> String {
        (value?.objectValue ?? [:]).sorted { $0.key < $1.key }.map { "\($0.key)=\(plain($0.value))" }
            .joined(separator: " ")
    }

    func row(_ item: JSONValue) -> String {
        let key = Self.key(item["key"])
        let cells = item["cells"]?.arrayValue ?? []
        func list(_ side: String) -> String {
            cells.map { "\($0["column"]?.stringValue ?? "")=\(Self.plain($0[side] ?? .null))" }.joined(separator: " ")
        }
        switch item["kind"]?.stringValue {
        case "added": return green("+ \(key)  \(list("to"))")
        case "removed": return red("- \(key)  \(list("from"))")
        default:
            let changes = cells.map { cell in
                "\(cell["column"]?.stringValue ?? ""): \(red(Self.plain(cell["from"] ?? .null))) → \(green(Self.plain(cell["to"] ?? .null)))"
            }
            return "\(yellow("~")) \(key)  \(changes.joined(separator: "  "))"
        }
    }

    func summary(_ diff: JSONValue) -> String {
        var lines = ["\(diff["from"]?.stringValue ?? "") → \(diff["to"]?.stringValue ?? "")"]
        if diff["same"] == true { return lines[0] + "\nThe same content." }
        let schema = diff["schema"]
        lines += (schema?["added"]?.arrayValue ?? []).map { green("+ column \(Self.plain($0))") }
        lines += (schema?["removed"]?.arrayValue ?? []).map { red("- column \(Self.plain($0))") }
        lines += (schema?["changed"]?.arrayValue ?? []).map {
            "\(yellow("~")) column \(Self.plain($0["name"] ?? .null)): \(red(Self.plain($0["from"] ?? .null))) → \(green(Self.plain($0["to"] ?? .null)))"
        }
        let rows = diff["rows"]
        func count(_ name: String) -> Int64 { rows?[name]?.intValue ?? 0 }
        var text =
            "rows \(count("from")) → \(count("to")): \(green("+\(count("added"))")) \(red("-\(count("removed"))"))"
        if rows?["changed"] != nil { text += " \(yellow("~\(count("changed"))"))" }
        let key = (diff["key"]?.arrayValue ?? []).compactMap(\.stringValue)
        lines.append(text + (key.isEmpty ? " (as multisets: no key)" : " (by \(key.joined(separator: ", ")))"))
        lines += (diff["cells"]?.arrayValue ?? []).map {
            "  \(Self.plain($0["column"] ?? .null)): \(yellow("~\($0["changed"]?.intValue ?? 0)"))"
        }
        lines += (diff["labels"]?.arrayValue ?? []).map {
            "  label \(Self.plain($0["name"] ?? .null)): \($0["set"]?.intValue ?? 0) set, \($0["changed"]?.intValue ?? 0) changed, \($0["cleared"]?.intValue ?? 0) cleared"
        }
        for item in diff["statistics"]?.arrayValue ?? [] {
            let changes = (item["changes"]?.objectValue ?? [:]).sorted { $0.key < $1.key }.map {
                "\($0.key) \(Self.plain($0.value["from"] ?? .null)) → \(Self.plain($0.value["to"] ?? .null))"
            }
            lines.append("  \(Self.plain(item["name"] ?? .null)): \(changes.joined(separator: ", "))")
        }
        return lines.joined(separator: "\n")
    }
}
