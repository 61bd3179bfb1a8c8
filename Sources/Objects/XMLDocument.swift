import Core

/// The little XML that S3 answers with and that PASCAL VOC's annotations are: elements and text. Attributes, comments, processing instructions and namespace
/// prefixes are passed over; entities are the five of XML and numeric ones; there are no document types.
public struct XMLElement: Sendable {
    public private(set) var name = ""
    public private(set) var text = ""
    public private(set) var children: [XMLElement] = []

    /// The first child of that name.
    public subscript(name: String) -> XMLElement? { children.first { $0.name == name } }
    public func all(_ name: String) -> [XMLElement] { children.filter { $0.name == name } }

    /// - Throws: `unavailable`, since what sends broken XML is no S3 service.
    init(parsing bytes: [UInt8]) throws {
        try self.init(
            parsing: bytes, broken: SlipwayError(.unavailable, "The S3 service answered with broken XML."))
    }

    /// - Throws: `broken` when it is no XML of this little kind.
    public init(parsing bytes: [UInt8], broken: SlipwayError) throws {
        var stack = [XMLElement()]
        var at = 0
        func fail() -> SlipwayError { broken }
        func find(_ text: String, from: Int) throws -> Int {
            let wanted = Array(text.utf8)
            var i = from
            while i + wanted.count <= bytes.count {
                if bytes[i] == wanted[0], bytes[i..<i + wanted.count].elementsEqual(wanted) { return i }
                i += 1
            }
            throw fail()
        }
        while at < bytes.count {
            guard bytes[at] == UInt8(ascii: "<") else {
                let end = bytes[at...].firstIndex(of: UInt8(ascii: "<")) ?? bytes.count
                stack[stack.count - 1].text += try Self.unescape(bytes[at..<end]) ?? { throw fail() }()
                at = end
                continue
            }
            guard at + 1 < bytes.count else { throw fail() }
            switch bytes[at + 1] {
            case UInt8(ascii: "?"): at = try find("?>", from: at) + 2
            case UInt8(ascii: "!"):
                let isComment = bytes[at...].starts(with: Array("<!--".utf8))
                guard isComment else { throw fail() }
                at = try find("-->", from: at) + 3
            case UInt8(ascii: "/"):
                let end = try find(">", from: at)
                guard stack.count > 1, let done = stack.popLast() else { throw fail() }
                stack[stack.count - 1].children.append(done)
                at = end + 1
            default:
                let end = try find(">", from: at)
                let isEmpty = bytes[end - 1] == UInt8(ascii: "/")
                let inside = bytes[at + 1..<(isEmpty ? end - 1 : end)].prefix { $0 > 32 }
                var element = XMLElement()
                element.name = String(decoding: inside.split(separator: UInt8(ascii: ":")).last ?? [], as: UTF8.self)
                if isEmpty { stack[stack.count - 1].children.append(element) } else { stack.append(element) }
                guard stack.count < 32 else { throw fail() }
                at = end + 1
            }
        }
        guard stack.count == 1, let root = stack[0].children.first else { throw fail() }
        self = root
    }

    private init() {}

    private static let entities = ["amp": "&", "lt": "<", "gt": ">", "quot": "\"", "apos": "'"]

    /// nil for an entity that is none.
    private static func unescape(_ bytes: ArraySlice<UInt8>) throws -> String? {
        guard bytes.contains(UInt8(ascii: "&")) else { return String(decoding: bytes, as: UTF8.self) }
        var out = ""
        var rest = bytes
        while let start = rest.firstIndex(of: UInt8(ascii: "&")) {
            out += String(decoding: rest[..<start], as: UTF8.self)
            guard let end = rest[start...].firstIndex(of: UInt8(ascii: ";")) else { return nil }
            let name = String(decoding: rest[(start + 1)..<end], as: UTF8.self)
            if let known = entities[name] {
                out += known
            } else if name.hasPrefix("#"),
                let code = name.hasPrefix("#x") ? UInt32(name.dropFirst(2), radix: 16) : UInt32(name.dropFirst(1)),
                let scalar = UnicodeScalar(code)
            {
                out.unicodeScalars.append(scalar)
            } else {
                return nil
            }
            rest = rest[(end + 1)...]
        }
        return out + String(decoding: rest, as: UTF8.self)
    }

    /// Text as XML content.
    public static func escape(_ text: String) -> String {
        text.reduce(into: "") { out, character in
            switch character {
            case "&": out += "&amp;"
            case "<": out += "&lt;"
            case ">": out += "&gt;"
            case "\"": out += "&quot;"
            default: out.append(character)
            }
        }
    }
}
