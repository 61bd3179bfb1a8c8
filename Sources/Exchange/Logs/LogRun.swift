import Core
import Tracking

/// A run of a program that logs into files and knows no ids like ours.
enum LogRun {
    /// The same each time, so that an import that is repeated finds what it brought.
    static func id(_ parts: String...) -> String {
        String(Digest.of(Array(parts.joined(separator: "\u{0}").utf8)).hex.prefix(32))
    }

    /// How long a file may lie untouched before its writer counts as gone.
    static let quietMilliseconds: Int64 = 3_600_000

    /// A name that a metric, parameter or tag may have here: other characters become `_`.
    static func key(_ name: String) -> String {
        let allowed = String(
            String.UnicodeScalarView(
                name.unicodeScalars.map { c in
                    switch c.value {
                    case 48...57, 65...90, 97...122: c
                    case 0..<128: "_-./ :".unicodeScalars.contains(c) ? c : "_"
                    default: c.properties.isAlphabetic ? c : "_"
                    }
                }))
        let parts = allowed.split(separator: "/").filter { $0 != "." && $0 != ".." }
        let key = parts.joined(separator: "/")
        let cut = String(String.UnicodeScalarView(key.unicodeScalars.prefix(TrackingLimits.keyLength)))
        return cut.isEmpty ? "_" : cut.hasPrefix("..") ? "_" + cut.dropFirst(2) : cut
    }

    /// Nested values by their path (`opt.name`); what is no text or number is its JSON.
    static func flat(_ value: JSONValue, _ path: String, into texts: inout [String: String]) {
        if let fields = value.objectValue, !fields.isEmpty {
            for (name, item) in fields { flat(item, path.isEmpty ? name : path + "." + name, into: &texts) }
        } else if case .number(let number) = value, !number.isFinite {
            texts[key(path)] = number.isNaN ? "NaN" : number > 0 ? "Infinity" : "-Infinity"
        } else {
            texts[key(path)] = value.stringValue ?? value.canonicalText
        }
    }
}

/// Brings points that come by time into stretches of one metric each, with a bounded number of them in memory.
struct PointBuffer {
    private var points: [String: [MetricPoint]] = [:]
    private var count = 0
    private static let maximum = 100_000

    mutating func add(_ key: String, _ point: MetricPoint, _ body: (String, MetricPoint) async throws -> Void)
        async throws
    {
        points[key, default: []].append(point)
        count += 1
        if count == Self.maximum { try await flush(body) }
    }

    mutating func flush(_ body: (String, MetricPoint) async throws -> Void) async throws {
        let ready = points
        (points, count) = ([:], 0)
        for key in ready.keys.sorted() {
            for point in (ready[key] ?? []).asHistory { try await body(key, point) }
        }
    }
}
