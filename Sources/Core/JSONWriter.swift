/// Writes JSON text; commas and, if asked, indentation are kept track of.
public struct JSONWriter {
    public private(set) var bytes: [UInt8] = []
    private let indent: Int
    private var level = 0
    private var needsComma = false

    /// - Parameter indent: spaces a level; 0 writes one line.
    public init(indent: Int = 0, reserving capacity: Int = 0) {
        self.indent = indent
        bytes.reserveCapacity(capacity)
    }

    public mutating func object(_ body: (inout JSONWriter) throws -> Void) rethrows {
        begin(UInt8(ascii: "{"))
        try body(&self)
        end(UInt8(ascii: "}"))
    }

    public mutating func array(_ body: (inout JSONWriter) throws -> Void) rethrows {
        begin(UInt8(ascii: "["))
        try body(&self)
        end(UInt8(ascii: "]"))
    }

    public mutating func key(_ name: String) {
        separate()
        quote(name)
        bytes.append(UInt8(ascii: ":"))
        if indent > 0 { bytes.append(32) }
        needsComma = false
    }

    public mutating func write(_ text: String) {
        separate()
        quote(text)
        needsComma = true
    }

    public mutating func write(_ number: Int64) { raw(String(number)) }

    public mutating func write(_ number: Int) { raw(String(number)) }

    /// A number; NaN and infinities become text, as protobuf's JSON form has it.
    public mutating func write(_ number: Double) {
        if number.isFinite {
            raw(number.description)
        } else {
            write(number.isNaN ? "NaN" : number > 0 ? "Infinity" : "-Infinity")
        }
    }

    public mutating func write(_ flag: Bool) { raw(flag ? "true" : "false") }

    public mutating func writeNull() { raw("null") }

    /// A whole document; keys are sorted.
    public mutating func write(_ value: JSONValue) {
        switch value {
        case .null: writeNull()
        case .bool(let flag): write(flag)
        case .int(let number): write(number)
        case .number(let number): write(number)
        case .string(let text): write(text)
        case .array(let items): array { writer in for item in items { writer.write(item) } }
        case .object(let fields):
            object { writer in
                for (name, item) in fields.sorted(by: { $0.key < $1.key }) {
                    writer.key(name)
                    writer.write(item)
                }
            }
        }
    }

    /// Text that is a JSON value already.
    public mutating func raw(_ text: String) {
        separate()
        bytes.append(contentsOf: text.utf8)
        needsComma = true
    }

    private mutating func begin(_ byte: UInt8) {
        separate()
        bytes.append(byte)
        level += 1
        needsComma = false
    }

    private mutating func end(_ byte: UInt8) {
        level -= 1
        if needsComma { newline() }
        bytes.append(byte)
        needsComma = true
    }

    private mutating func separate() {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
        if level > 0, bytes.last != UInt8(ascii: ":"), !(indent > 0 && bytes.last == 32) { newline() }
        needsComma = false
    }

    private mutating func newline() {
        guard indent > 0 else { return }
        bytes.append(10)
        bytes.append(contentsOf: repeatElement(32, count: indent * level))
    }

    private static let hex = Array("0123456789abcdef".utf8)

    private mutating func quote(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        for b in text.utf8 {
            switch b {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"):
                bytes.append(UInt8(ascii: "\\"))
                bytes.append(b)
            case 10: bytes.append(contentsOf: [92, 110])
            case 13: bytes.append(contentsOf: [92, 114])
            case 9: bytes.append(contentsOf: [92, 116])
            case 0..<32:
                bytes.append(contentsOf: [92, 117, 48, 48, Self.hex[Int(b >> 4)], Self.hex[Int(b & 15)]])
            default: bytes.append(b)
            }
        }
        bytes.append(UInt8(ascii: "\""))
        needsComma = true
    }
}
