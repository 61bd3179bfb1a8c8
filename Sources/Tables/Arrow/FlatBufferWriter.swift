/// Writes one FlatBuffer (https://flatbuffers.dev/internals): as much of the format as Arrow's metadata needs.
///
/// A buffer is written from its end to its beginning, so that everything is there before what points to it. Positions are
/// therefore distances from the end, and the bytes are kept in reverse until `finish`.
struct FlatBufferWriter {
    /// A distance from the end of the buffer.
    struct Position { let distance: Int }

    /// A member of a table. Members that have their default value are left out by the caller.
    enum Member {
        case bool(Bool)
        case uint8(UInt8)
        case int16(Int16)
        case int32(Int32)
        case int64(Int64)
        /// A string, vector or table that was written before.
        case offset(Position)

        fileprivate var size: Int {
            switch self {
            case .bool, .uint8: 1
            case .int16: 2
            case .int32, .offset: 4
            case .int64: 8
            }
        }
    }

    private var reversed: [UInt8] = []

    mutating func string(_ text: String) -> Position {
        let utf8 = Array(text.utf8)
        // Length, bytes and a final 0; the length aligned.
        align(4, before: utf8.count + 1)
        reversed.append(0)
        reversed.append(contentsOf: utf8.reversed())
        return put(UInt32(utf8.count))
    }

    mutating func vector(_ items: [Position]) -> Position {
        align(4, before: 4 * items.count)
        for item in items.reversed() { offset(to: item) }
        return put(UInt32(items.count))
    }

    /// A vector of structs of two 64-bit numbers each.
    mutating func vector(_ pairs: [(Int64, Int64)]) -> Position {
        align(8, before: 16 * pairs.count)
        for pair in pairs.reversed() {
            put(pair.1)
            put(pair.0)
        }
        return put(UInt32(pairs.count))
    }

    /// - Parameter members: by their number in the schema.
    mutating func table(_ members: [(slot: Int, value: Member)]) -> Position {
        let start = reversed.count
        var places: [Int: Int] = [:]
        // Largest first, so that little is lost to alignment.
        for member in members.sorted(by: { $0.value.size > $1.value.size }) {
            align(member.value.size, before: 0)
            switch member.value {
            case .bool(let flag): put(UInt8(flag ? 1 : 0))
            case .uint8(let number): put(number)
            case .int16(let number): put(number)
            case .int32(let number): put(number)
            case .int64(let number): put(number)
            case .offset(let position): offset(to: position)
            }
            places[member.slot] = reversed.count
        }
        let slots = (members.map(\.slot).max() ?? -1) + 1
        align(4, before: 0)
        // The table begins with the distance back to its list of members, which stands right before it.
        let table = put(Int32(4 + 2 * slots))
        for slot in (0..<slots).reversed() { put(UInt16(places[slot].map { table.distance - $0 } ?? 0)) }
        put(UInt16(table.distance - start))
        put(UInt16(4 + 2 * slots))
        return table
    }

    /// The buffer, whose length is a multiple of 8.
    mutating func finish(_ root: Position) -> [UInt8] {
        align(8, before: 4)
        offset(to: root)
        return reversed.reversed()
    }

    /// Pads so that after `count` more bytes the position is a multiple of `size`.
    private mutating func align(_ size: Int, before count: Int) {
        while (reversed.count + count) % size != 0 { reversed.append(0) }
    }

    private mutating func offset(to position: Position) {
        align(4, before: 0)
        // From the place of the offset itself.
        put(UInt32(reversed.count + 4 - position.distance))
    }

    @discardableResult
    private mutating func put<Number: FixedWidthInteger>(_ number: Number) -> Position {
        withUnsafeBytes(of: number.littleEndian) { reversed.append(contentsOf: $0.reversed()) }
        return Position(distance: reversed.count)
    }
}
