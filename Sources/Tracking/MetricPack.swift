import Core

/// Metric points packed for storage: some 14 bytes a point instead of a row each.
///
/// The bytes, kept in the database as base64 text: a version (1); then groups until the end, each a metric's id and a
/// count (unsigned LEB128) and so many points. A point is its step and its time in milliseconds as differences from the
/// point before it in the group (zigzag LEB128; the first from 0), then its value as IEEE 754 binary64, little-endian.
enum MetricPack {
    private static let version: UInt8 = 1

    typealias Group = (metric: Int64, points: [MetricPoint])

    static func encode(_ groups: [Group]) -> String {
        var writer = PackWriter(version, reserving: 8 + groups.reduce(0) { $0 + 8 + $1.points.count * 16 })
        for group in groups {
            writer.number(UInt64(bitPattern: group.metric))
            writer.number(UInt64(group.points.count))
            var last = MetricPoint(step: 0, time: Timestamp(milliseconds: 0), value: 0)
            for point in group.points {
                writer.point(point, after: last)
                last = point
            }
        }
        return writer.text
    }

    /// Adds the points of all groups, or of one metric only, to `points`, by metric.
    ///
    /// - Throws: `internal` when the text is not a pack.
    static func decode(_ text: String, only metric: Int64? = nil, into points: inout [Int64: [MetricPoint]]) throws {
        try PackReader.read(text, version) { reader in
            while !reader.isAtEnd {
                let id = Int64(bitPattern: try reader.number())
                let count = try reader.number()
                if metric == nil || metric == id {
                    try reader.points(count, into: &points[id, default: []])
                } else {
                    for _ in 0..<count { try reader.skipPoint() }
                }
            }
        }
    }
}

/// What is known of a block of points without reading it: its first and last point in the order of a history, and what
/// each `partPoints` of them amount to. Packed like points: a version (1), the two points, then the parts until the end.
struct MetricSummary: Sendable, Equatable {
    static let partPoints = 256
    private static let version: UInt8 = 1

    let first: MetricPoint
    let last: MetricPoint
    let parts: [MetricBucket]

    /// - Parameter points: in the order of a history; at least one.
    init(_ points: [MetricPoint]) {
        first = points[0]
        last = points[points.count - 1]
        parts = MetricBucket.of(points, each: Self.partPoints)
    }

    var text: String {
        let zero = MetricPoint(step: 0, time: Timestamp(milliseconds: 0), value: 0)
        var writer = PackWriter(Self.version, reserving: 64 + parts.count * 64)
        writer.point(first, after: zero)
        writer.point(last, after: zero)
        for part in parts {
            for count in [part.finite, part.nans, part.positiveInfinities, part.negativeInfinities] {
                writer.number(UInt64(count))
            }
            for (low, high) in [
                (part.firstStep, part.lastStep), (part.firstTime.milliseconds, part.lastTime.milliseconds),
            ] {
                writer.signed(low)
                writer.number(UInt64(bitPattern: high &- low))
            }
            for value in [part.minimum, part.maximum, part.sum] { writer.double(value) }
        }
        return writer.text
    }

    /// - Throws: `internal` when the text is not a summary.
    init(parsing text: String) throws {
        var ends: [MetricPoint] = []
        var parts: [MetricBucket] = []
        try PackReader.read(text, Self.version) { reader in
            try reader.points(1, into: &ends)
            try reader.points(1, into: &ends)
            var part = MetricBucket(ends[0])
            while !reader.isAtEnd {
                part.finite = try reader.count()
                part.nans = try reader.count()
                part.positiveInfinities = try reader.count()
                part.negativeInfinities = try reader.count()
                part.points = part.finite + part.nans + part.positiveInfinities + part.negativeInfinities
                part.firstStep = try reader.signed()
                part.lastStep = part.firstStep &+ Int64(bitPattern: try reader.number())
                let time = try reader.signed()
                part.firstTime = Timestamp(milliseconds: time)
                part.lastTime = Timestamp(milliseconds: time &+ Int64(bitPattern: try reader.number()))
                part.minimum = try reader.double()
                part.maximum = try reader.double()
                part.sum = try reader.double()
                parts.append(part)
            }
        }
        (first, last, self.parts) = (ends[0], ends[1], parts)
    }
}

private struct PackWriter {
    private var bytes: [UInt8] = []

    init(_ version: UInt8, reserving size: Int) {
        bytes.reserveCapacity(size)
        bytes.append(version)
    }

    var text: String { Base64.encode(bytes) }

    /// Unsigned LEB128.
    mutating func number(_ number: UInt64) {
        var rest = number
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }

    /// Zigzag LEB128.
    mutating func signed(_ n: Int64) { number(UInt64(bitPattern: (n &<< 1) ^ (n &>> 63))) }

    mutating func double(_ value: Double) {
        withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
    }

    mutating func point(_ point: MetricPoint, after last: MetricPoint) {
        signed(point.step &- last.step)
        signed(point.time.milliseconds &- last.time.milliseconds)
        double(point.value)
    }
}

/// Reads packed bytes; it checks every step, for what a database gives back may be damaged.
private struct PackReader {
    private let bytes: UnsafeBufferPointer<UInt8>
    private var at = 1

    static func read(_ text: String, _ version: UInt8, _ body: (inout PackReader) throws -> Void) throws {
        guard let bytes = Base64.decode(text), bytes.first == version else { throw damaged() }
        try bytes.withUnsafeBufferPointer { buffer in
            var reader = PackReader(bytes: buffer)
            try body(&reader)
        }
    }

    private init(bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

    private static func damaged() -> SlipwayError {
        SlipwayError(.internal, "Internal error: stored metric points are damaged.")
    }

    var isAtEnd: Bool { at >= bytes.count }

    mutating func number() throws -> UInt64 {
        var result: UInt64 = 0
        var shift: UInt64 = 0
        while at < bytes.count, shift < 64 {
            let byte = bytes[at]
            at += 1
            result |= UInt64(byte & 0x7F) &<< shift
            if byte < 0x80 { return result }
            shift += 7
        }
        throw Self.damaged()
    }

    mutating func signed() throws -> Int64 {
        let n = try number()
        return Int64(bitPattern: n >> 1) ^ -Int64(bitPattern: n & 1)
    }

    /// A number of points, which no block has very many of.
    mutating func count() throws -> Int {
        let count = try number()
        guard count <= 1 << 32 else { throw Self.damaged() }
        return Int(count)
    }

    mutating func double() throws -> Double {
        guard at + 8 <= bytes.count else { throw Self.damaged() }
        let bits = UnsafeRawBufferPointer(bytes).loadUnaligned(fromByteOffset: at, as: UInt64.self)
        at += 8
        return Double(bitPattern: UInt64(littleEndian: bits))
    }

    mutating func points(_ count: UInt64, into points: inout [MetricPoint]) throws {
        // Each point has at least 10 bytes, so a damaged count cannot reserve much.
        guard count <= UInt64(bytes.count) else { throw Self.damaged() }
        // Never less than double, or many small groups would copy all points each time.
        if points.capacity < points.count + Int(count) { points.reserveCapacity(max(points.count * 2, Int(count))) }
        var step: Int64 = 0
        var time: Int64 = 0
        for _ in 0..<count {
            step &+= try signed()
            time &+= try signed()
            points.append(MetricPoint(step: step, time: Timestamp(milliseconds: time), value: try double()))
        }
    }

    mutating func skipPoint() throws {
        _ = try number()
        _ = try number()
        at += 8
    }
}
