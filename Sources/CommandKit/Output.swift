import ArgumentParser
import Core
import Yams

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// How a command shows its result.
public struct OutputOptions: ParsableArguments {
    @Flag(name: .long, help: "Print JSON.") public var json = false
    @Flag(name: .long, help: "Print YAML.") public var yaml = false

    public init() {}

    public func validate() throws {
        if json, yaml { throw ValidationError("Choose one of --json and --yaml.") }
    }

    /// Prints a listing: a table for people, or the items as they are.
    public func list(_ items: [JSONValue], _ columns: [Column], empty: String = "Nothing here yet.") throws {
        if json { return Terminal.out(JSONValue.array(items).prettyText) }
        if yaml { return Terminal.out(try Self.yamlText(.array(items))) }
        if items.isEmpty { return Terminal.out(empty) }
        Terminal.out(
            Table.text(rows: items.map { item in columns.map { $0.text(item) } }, titles: columns.map(\.title)))
    }

    /// Prints one thing: its fields line by line, or as it is.
    public func object(_ item: JSONValue) throws {
        if json { return Terminal.out(item.prettyText) }
        if yaml { return Terminal.out(try Self.yamlText(item)) }
        guard case .object(let fields) = item else { return Terminal.out(Column.shown(item)) }
        let width = fields.keys.map(\.count).max() ?? 0
        for (name, value) in fields.sorted(by: { $0.key < $1.key }) {
            Terminal.out(name + String(repeating: " ", count: width - name.count + 2) + Column.shown(value))
        }
    }

    private static func yamlText(_ value: JSONValue) throws -> String {
        var text = try Yams.serialize(node: node(value), sortKeys: true)
        if text.hasSuffix("\n") { text.removeLast() }
        return text
    }

    private static func node(_ value: JSONValue) throws -> Node {
        switch value {
        case .null: Node("null", Tag(.null))
        case .bool(let flag): Node(flag ? "true" : "false", Tag(.bool))
        case .int(let number): Node(String(number), Tag(.int))
        case .number(let number): Node(number.description, Tag(.float))
        case .string(let text): try Yams.compose(yaml: JSONValue.string(text).canonicalText) ?? Node(text)
        case .array(let items): Node(try items.map(node))
        case .object(let fields): Node(try fields.sorted { $0.key < $1.key }.map { (Node($0.key), try node($0.value)) })
        }
    }
}

/// A column of a listing: a title and the field that it shows; dots go into nested objects.
public struct Column: Sendable {
    public let title: String
    private let path: [String]

    public init(_ title: String, _ field: String) {
        self.title = title
        path = field.split(separator: ".").map(String.init)
    }

    func text(_ item: JSONValue) -> String {
        Self.shown(path.reduce(item) { value, key in value[key] ?? .null })
    }

    /// A value as a cell shows it.
    public static func shown(_ value: JSONValue) -> String {
        switch value {
        case .null: "-"
        case .string(let text): text
        case .number(let number):
            abs(number) >= 0.001 && abs(number) < 1e9 ? String((number * 1e4).rounded() / 1e4) : number.description
        case .array(let items) where items.allSatisfy { $0.stringValue != nil }:
            items.compactMap(\.stringValue).joined(separator: ", ")
        default: value.canonicalText
        }
    }
}

/// Text in aligned columns.
public enum Table {
    public static func text(rows: [[String]], titles: [String]) -> String {
        let all = ([titles.map { $0.uppercased() }] + rows).map { $0.map(onOneLine) }
        let widths = titles.indices.map { index in all.map { min(width($0[index]), widest) }.max() ?? 0 }
        return all.map { row in
            var line = ""
            for (index, cell) in row.enumerated() {
                let isLast = index == row.count - 1
                let cell = isLast ? cell : cut(cell)
                line += cell + (isLast ? "" : String(repeating: " ", count: widths[index] - width(cell) + 2))
            }
            return line
        }.joined(separator: "\n")
    }

    private static let widest = 80

    private static func cut(_ cell: String) -> String {
        guard width(cell) > widest else { return cell }
        var (kept, sum) = ("", 0)
        for character in cell {
            sum += width(character)
            if sum >= widest { break }
            kept.append(character)
        }
        return kept + "…"
    }

    /// How many columns of a terminal a text takes.
    static func width(_ text: String) -> Int {
        text.utf8.count == text.count ? text.count : text.reduce(0) { $0 + width($1) }
    }

    /// Two for what East Asian Width (Unicode Standard Annex 11) calls wide or fullwidth and for emoji, else one.
    private static func width(_ character: Character) -> Int {
        let scalars = character.unicodeScalars
        guard let first = scalars.first else { return 0 }
        if first.properties.isEmojiPresentation || scalars.contains("\u{FE0F}") { return 2 }
        switch first.value {
        case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F,
            0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x20000...0x3FFFD:
            return 2
        default: return 1
        }
    }
}

extension Table {
    /// Text as a terminal may show it: what came from outside breaks no line, and its control characters, which could
    /// move the cursor or change colours, are shown as escapes.
    static func onOneLine(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: isControl) else { return text }
        var shown = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\n": shown += "\\n"
            case "\r": shown += "\\r"
            case "\t": shown += "\\t"
            case _ where isControl(scalar): shown += "\\u{" + String(scalar.value, radix: 16) + "}"
            default: shown.unicodeScalars.append(scalar)
            }
        }
        return shown
    }

    /// C0, DEL and C1.
    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value)
    }
}

/// Where commands write.
public enum Terminal {
    public static func out(_ text: String) { write(text + "\n", to: STDOUT_FILENO) }

    public static func error(_ text: String) { write(text + "\n") }

    /// Whether a person looks at the error stream.
    public static var isInteractive: Bool { isatty(STDERR_FILENO) == 1 }

    /// Replaces the current line of the error stream, if a person looks at it.
    public static func status(_ text: String) {
        guard isInteractive else { return }
        write("\r\u{1B}[2K" + text)
    }

    /// Writes all of it at once: nothing waits in a buffer when a program, not a person, reads.
    private static func write(_ text: String, to descriptor: Int32 = STDERR_FILENO) {
        let bytes = Array(text.utf8)
        var at = 0
        while at < bytes.count {
            let count = bytes[at...].withUnsafeBytes { systemWrite(descriptor, $0) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            at += count
        }
    }

    private static func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
        #if canImport(Glibc)
            Glibc.write(descriptor, bytes.baseAddress, bytes.count)
        #else
            Darwin.write(descriptor, bytes.baseAddress, bytes.count)
        #endif
    }
}

extension ErrorCode {
    /// The exit code of each error; the one table (sysexits.h where it has a word for it).
    public var exitCode: Int32 {
        switch self {
        case .invalid: 64
        case .unauthenticated: 77
        case .forbidden: 77
        case .notFound: 66
        case .conflict: 73
        case .tooLarge: 65
        case .rateLimited: 75
        case .deadlineExceeded: 75
        case .cancelled: 130
        case .unavailable: 69
        case .unsupported: 78
        case .internal: 70
        }
    }
}
