import Core
import Synchronization

/// Counters, gauges and histograms in Prometheus' text format 0.0.4.
public final class Prometheus: Sendable {
    private struct Series: Sendable {
        var value = 0.0
        var buckets: [Double] = []
        var counts: [Int] = []
    }
    private struct Family: Sendable {
        let type: String
        let help: String
        var series: [String: Series] = [:]
    }

    private let families = Mutex<[String: Family]>([:])
    private let collectors = Mutex<
        [@Sendable () -> [(name: String, help: String, labels: [(String, String)], value: Double)]]
    >([])

    public init() {}

    /// Seconds, from a tenth of a millisecond to ten seconds.
    public static let latencyBuckets = [
        0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
    ]

    public func count(_ name: String, help: String, labels: [(String, String)] = [], by amount: Double = 1) {
        families.withLock { families in
            families[name, default: Family(type: "counter", help: help)].series[Self.key(labels), default: Series()]
                .value += amount
        }
    }

    public func observe(_ name: String, help: String, labels: [(String, String)] = [], seconds: Double) {
        families.withLock { families in
            var family = families[name] ?? Family(type: "histogram", help: help)
            let key = Self.key(labels)
            var series =
                family.series[key]
                ?? Series(
                    buckets: Self.latencyBuckets, counts: Array(repeating: 0, count: Self.latencyBuckets.count + 1))
            series.value += seconds
            let bucket = series.buckets.firstIndex { seconds <= $0 } ?? series.buckets.count
            series.counts[bucket] += 1
            family.series[key] = series
            families[name] = family
        }
    }

    /// Gauges that are read when someone asks.
    public func collect(
        _ gauges: @escaping @Sendable () -> [(name: String, help: String, labels: [(String, String)], value: Double)]
    ) {
        collectors.withLock { $0.append(gauges) }
    }

    public func render() -> String {
        var out = ""
        let gathered = families.withLock { $0 }
        for (name, family) in gathered.sorted(by: { $0.key < $1.key }) {
            out += "# HELP \(name) \(Self.escaped(family.help, quote: false))\n# TYPE \(name) \(family.type)\n"
            for (labels, series) in family.series.sorted(by: { $0.key < $1.key }) {
                guard family.type == "histogram" else {
                    out += "\(name)\(labels.isEmpty ? "" : "{\(labels)}") \(series.value)\n"
                    continue
                }
                var total = 0
                let comma = labels.isEmpty ? "" : ","
                for (edge, count) in zip(series.buckets.map(\.description) + ["+Inf"], series.counts) {
                    total += count
                    out += "\(name)_bucket{\(labels)\(comma)le=\"\(edge)\"} \(total)\n"
                }
                out += "\(name)_sum\(labels.isEmpty ? "" : "{\(labels)}") \(series.value)\n"
                out += "\(name)_count\(labels.isEmpty ? "" : "{\(labels)}") \(total)\n"
            }
        }
        // All lines of one name stand together, whichever collector gave them.
        let gauges = Dictionary(grouping: collectors.withLock { $0 }.flatMap { $0() }, by: \.name)
        for (name, series) in gauges.sorted(by: { $0.key < $1.key }) {
            out += "# HELP \(name) \(Self.escaped(series[0].help, quote: false))\n# TYPE \(name) gauge\n"
            for gauge in series {
                let labels = Self.key(gauge.labels)
                out += "\(name)\(labels.isEmpty ? "" : "{\(labels)}") \(gauge.value)\n"
            }
        }
        return out
    }

    private static func key(_ labels: [(String, String)]) -> String {
        labels.map { name, value in "\(name)=\"\(escaped(value, quote: true))\"" }.joined(separator: ",")
    }

    /// By scalars: a carriage return and a line feed are one character to Swift.
    private static func escaped(_ text: String, quote: Bool) -> String {
        var out = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": out += "\\\\"
            case "\"" where quote: out += "\\\""
            case "\n": out += "\\n"
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out
    }
}
