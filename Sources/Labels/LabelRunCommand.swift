import ArgumentParser
import Client
import CommandKit
import Core

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

extension LabelCommand {
    /// A terminal annotator for what can be said with a key or a line: classes, numbers, text, and shapes as JSON.
    struct Run: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Label a task's items one after the other, by key.",
            discussion: "Example: slipway label run moods")
        @Argument(help: "The task.") var task: String
        @Option(help: "Show only these columns, separated by commas.") var columns: String?
        @OptionGroup var server: ClientOptions

        func run() async throws {
            let client = server.client()
            let about = try await client.get(LabelCommand.path(task))
            let schemaRef = try Ref(parsing: about["schema"]?.stringValue ?? "")
            let schema = try await client.get(
                "/api/v1/label-schemas/\(percentEncode(schemaRef.name))", query: [("version", schemaRef.selector)])
            let definition = try LabelDefinition(
                JSONFields(.object((schema.objectValue ?? [:]).filter { LabelDefinition.fields.contains($0.key) })))
            if !definition.instructions.isEmpty { Terminal.out(definition.instructions + "\n") }
            // Keys act at once only where one key says it all and a person is at the other end.
            let byKey = definition.kind == .class && isatty(STDIN_FILENO) == 1
            Terminal.out(Self.help(definition, byKey))
            while let item = try await client.post(LabelCommand.path(task, "/next"))["items"]?.arrayValue?.first {
                guard try await label(item, definition, client, byKey: byKey) else { return }
            }
            Terminal.out("Nothing left for you in \(task).")
        }

        /// Shows one item and does what the person says; false to end.
        private func label(_ item: JSONValue, _ definition: LabelDefinition, _ client: APIClient, byKey: Bool) async throws
            -> Bool
        {
            let number = item["item"]?.intValue ?? 0
            let path = LabelCommand.path(task, "/items/\(number)")
            let answer = try await client.get(path + "/row")
            Terminal.out("\n— item \(number) —")
            let wanted = columns.map { Set($0.split(separator: ",").map(String.init)) }
            for (name, value) in (answer["row"]?.objectValue ?? [:]).sorted(by: { $0.key < $1.key })
            where wanted?.contains(name) ?? true { Terminal.out("\(name): \(Column.shown(value))") }
            for label in item["prelabels"]?.arrayValue ?? [] {
                Terminal.out(
                    "\(Column.shown(label["origin"] ?? .null)) says \(Column.shown(label["value"] ?? .null)) (\(Column.shown(label["score"] ?? .null)))"
                )
            }
            if let comment = item["comment"]?.stringValue { Terminal.out("reviewer: \(comment)") }
            if let draft = item["draft"], !draft.isNull { Terminal.out("your draft: \(Column.shown(draft))") }
            let began = Clock.monotonicNanoseconds()
            while true {
                guard let text = byKey ? Keyboard.key() : Keyboard.line() else { return false }
                switch text {
                case "q": return false
                case "?": Terminal.out(Self.help(definition, byKey))
                case "s":
                    _ = try await client.post(path + "/skip")
                    return true
                case "u":
                    do {
                        let back = try await client.post(LabelCommand.path(task, "/undo"))
                        return try await label(back, definition, client, byKey: byKey)
                    } catch let error as SlipwayError { Terminal.error(error.message) }
                default:
                    guard let value = Self.value(text, definition) else {
                        Terminal.error("'\(text.prefix(20))' is not a key; ? shows them.")
                        continue
                    }
                    do {
                        let seconds = Double(Clock.monotonicNanoseconds() - began) / 1e9
                        _ = try await client.post(path + "/submit", ["value": value, "seconds": .number(seconds)])
                        Terminal.out("→ \(Column.shown(value))")
                        return true
                    } catch let error as SlipwayError where error.code == .invalid { Terminal.error(error.message) }
                }
            }
        }

        static func value(_ text: String, _ definition: LabelDefinition) -> JSONValue? {
            func named(_ word: String) -> String? {
                definition.classes.first { $0.hotkey == word || $0.name == word }?.name
            }
            switch definition.kind {
            case .class: return named(text).map { .string($0) }
            case .multiClass:
                // Keys side by side, or words between commas.
                let words =
                    text.contains(",")
                    ? text.split(separator: ",").map { $0.trimmed } : named(text) != nil ? [text] : text.map { String($0) }
                let names = words.map(named)
                return names.contains(nil) ? nil : JSONValue(names.compactMap(\.self))
            case .text: return .string(text)
            default: return try? JSONValue(parsing: text)
            }
        }

        static func help(_ definition: LabelDefinition, _ byKey: Bool) -> String {
            let classes = definition.classes.map { "  \($0.hotkey ?? " ")  \($0.name)" }
            let others = "  s  skip   u  undo   q  quit   ?  help" + (byKey ? "" : "   (then Enter)")
            return (classes + [others]).joined(separator: "\n")
        }
    }
}

extension Substring {
    fileprivate var trimmed: String {
        String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }
}

/// What a person types.
private enum Keyboard {
    static func line() -> String? { readLine() }

    /// One key, without Enter; nil at the end of input or after Ctrl-C or Ctrl-D.
    static func key() -> String? {
        var saved = termios()
        guard tcgetattr(STDIN_FILENO, &saved) == 0 else { return line() }
        var raw = saved
        raw.c_lflag &= ~tcflag_t(ICANON | ECHO | ISIG)
        tcsetattr(STDIN_FILENO, TCSANOW, &raw)
        defer { tcsetattr(STDIN_FILENO, TCSANOW, &saved) }
        var bytes = [UInt8](repeating: 0, count: 8)
        let count = read(STDIN_FILENO, &bytes, bytes.count)
        guard count > 0, bytes[0] != 3, bytes[0] != 4 else { return nil }
        return String(decoding: bytes[..<count], as: UTF8.self)
    }
}
