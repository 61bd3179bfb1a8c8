/// What a client asks of a listing.
public struct PageRequest: Sendable, Hashable {
    public let limit: Int
    /// Where the previous page ended; nil for the first.
    public let after: Cursor?

    public init(limit: Int = Limits.pageDefault, after: Cursor? = nil) {
        self.limit = limit
        self.after = after
    }

    /// - Throws: `invalid` when the limit is not between 1 and `maximum`, or the cursor is not one of ours.
    public init(limit: String?, after: String?, maximum: Int = Limits.pageMaximum) throws {
        let limit = try limit.map { text in
            guard let n = Int(text), (1...maximum).contains(n) else {
                throw SlipwayError.field(
                    "limit", "'\(text.prefix(20))' is out of range", expected: "a whole number from 1 to \(maximum)")
            }
            return n
        }
        self.init(limit: limit ?? min(Limits.pageDefault, maximum), after: try after.map { try Cursor(parsing: $0) })
    }
}

/// The sort keys of the last row of a page, so that the next page costs the same as the first. Opaque to clients.
public struct Cursor: Sendable, Hashable, CustomStringConvertible {
    public let keys: [JSONValue]

    public init(_ keys: [JSONValue]) { self.keys = keys }

    public init(parsing text: String) throws {
        guard let bytes = Hex.decode(text), let value = try? JSONValue(parsing: bytes), let keys = value.arrayValue
        else {
            throw SlipwayError.field(
                "after", "is not a cursor", expected: "the 'next' value of the previous page, unchanged")
        }
        self.keys = keys
    }

    public var description: String { Hex.encode(JSONValue.array(keys).canonicalBytes) }
}

/// One page of a listing.
public struct Page<Item: Sendable>: Sendable {
    public let items: [Item]
    /// Ask for what comes after this; nil when the listing ends here.
    public let next: Cursor?

    public init(items: [Item], next: Cursor?) {
        self.items = items
        self.next = next
    }

    /// Cuts `rows`, read with one row more than asked for, into a page.
    public init(rows: [Item], limit: Int, keys: (Item) -> [JSONValue]) {
        let items = Array(rows.prefix(limit))
        self.init(items: items, next: rows.count > limit ? items.last.map { Cursor(keys($0)) } : nil)
    }

    public func map<T>(_ transform: (Item) throws -> T) rethrows -> Page<T> {
        Page<T>(items: try items.map(transform), next: next)
    }
}

extension Hex {
    /// The bytes that hexadecimal text spells; nil if it is not such text.
    public static func decode(_ text: String) -> [UInt8]? {
        let digits = Array(text.utf8)
        guard digits.count % 2 == 0 else { return nil }
        var out: [UInt8] = []
        out.reserveCapacity(digits.count / 2)
        for i in stride(from: 0, to: digits.count, by: 2) {
            guard let high = value(digits[i]), let low = value(digits[i + 1]) else { return nil }
            out.append(high << 4 | low)
        }
        return out
    }

    private static func value(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 48...57: byte - 48
        case 97...102: byte - 87
        case 65...70: byte - 55
        default: nil
        }
    }
}
