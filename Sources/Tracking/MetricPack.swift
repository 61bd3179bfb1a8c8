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
        var bytes: [UInt8] = []
        bytes.reserveCapacity(8 + groups.reduce(0) { $0 + 8 + $1.points.count * 16 })
        bytes.append(version)
        for group in groups {
            append(UInt64(bitPattern: group.metric), to: &bytes)
            append(UInt64(group.points.count), to: &bytes)
            var step: Int64 = 0
            var time: Int64 = 0
            for point in group.points {
                append(zigzag(point.step &- step), to: &bytes)
                append(zigzag(point.time.milliseconds &- time), to: &bytes)
                (step, time) = (point.step, point.time.milliseconds)
                withUnsafeBytes(of: point.value.bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
            }
        }
        return Base64.encode(bytes)
    }

    /// Adds the points of all groups, or of one metric only, to `points`, by metric.
    ///
    /// - Throws: `internal` when the text is not a pack.
    static func decode(_ text: String, only metric: Int64? = nil, into points: inout [Int64: [MetricPoint]]) throws {
        guard let bytes = Base64.decode(text), bytes.first == version else { throw damaged() }
        var reader = Reader(bytes: bytes)
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

    private static func zigzag(_ n: Int64) -> UInt64 { UInt64(bitPattern: (n &<< 1) ^ (n &>> 63)) }

    private static func append(_ number: UInt64, to bytes: inout [UInt8]) {
        var rest = number
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }

    private static func damaged() -> SlipwayError {
        SlipwayError(.internal, "Internal error: stored metric points are damaged.")
    }

    private struct Reader {
        let bytes: [UInt8]
        var at = 1

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
            throw damaged()
        }

        mutating func points(_ count: UInt64, into points: inout [MetricPoint]) throws {
            // Each point has at least 10 bytes, so a damaged count cannot reserve much.
            guard count <= UInt64(bytes.count) else { throw damaged() }
            points.reserveCapacity(points.count + Int(count))
            var step: Int64 = 0
            var time: Int64 = 0
            for _ in 0..<count {
                step &+= unzigzag(try number())
                time &+= unzigzag(try number())
                guard at + 8 <= bytes.count else { throw damaged() }
                var bits: UInt64 = 0
                for index in 0..<8 { bits |= UInt64(bytes[at + index]) &<< UInt64(8 * index) }
                at += 8
                points.append(
                    MetricPoint(step: step, time: Timestamp(milliseconds: time), value: Double(bitPattern: bits)))
            }
        }

        mutating func skipPoint() throws {
            _ = try number()
            _ = try number()
            at += 8
        }

        private func unzigzag(_ n: UInt64) -> Int64 { Int64(bitPattern: n >> 1) ^ -Int64(bitPattern: n & 1) }
    }
}
