import Core

/// A metric drawn with characters: in each column a bar from the least to the greatest value, and the mean on it.
struct MetricChart {
    private static let width = 72
    private static let height = 14

    private let curve: JSONValue
    private let axis: String

    /// - Parameter curve: as the server answers a metric with `points`.
    init(_ curve: JSONValue, axis: String) {
        self.curve = curve
        self.axis = axis
    }

    var text: String {
        let buckets = curve["buckets"]?.arrayValue ?? []
        guard !buckets.isEmpty else { return "No points of that metric." }
        let columns = Self.columns(buckets)
        let drawn = columns.compactMap { $0 }
        let unseen = ["nan", "positiveInfinity", "negativeInfinity"].map { name in
            (name, buckets.reduce(0) { $0 + ($1[name]?.intValue ?? 0) })
        }.filter { $0.1 > 0 }.map { "\($0.1) \($0.0)" }
        let title = "\(curve["metric"]?.stringValue ?? ""): \(curve["points"]?.intValue ?? 0) points"
        var lines = [([title] + unseen).joined(separator: ", ")]
        guard let low = drawn.map(\.low).min(), let high = drawn.map(\.high).max() else { return lines[0] }
        func row(_ value: Double) -> Int {
            high == low ? Self.height / 2 : Int(((value - low) / (high - low) * Double(Self.height - 1)).rounded())
        }
        let labels = [Self.height - 1: high, 0: low].mapValues { Self.shown($0) }
        let margin = labels.values.map(\.count).max() ?? 0
        for height in (0..<Self.height).reversed() {
            let label = labels[height] ?? ""
            let cells = columns.map { column -> Character in
                guard let column else { return " " }
                if row(column.mean) == height { return "•" }
                return row(column.low) <= height && height <= row(column.high) ? "│" : " "
            }
            let cut = String(cells.reversed().drop { $0 == " " }.reversed())
            lines.append(String(repeating: " ", count: margin - label.count) + label + " ┤" + cut)
        }
        let ends = [buckets.first, buckets.last].map { bucket in
            axis == "time"
                ? bucket?["firstTime"]?.stringValue ?? "" : "\(bucket?["firstStep"]?.intValue ?? 0)"
        }
        let gap = max(1, columns.count - ends[0].count - ends[1].count)
        lines.append(String(repeating: " ", count: margin + 2) + ends[0] + String(repeating: " ", count: gap) + ends[1])
        return lines.joined(separator: "\n")
    }

    private static func columns(_ buckets: [JSONValue]) -> [(low: Double, high: Double, mean: Double)?] {
        let count = min(width, buckets.count)
        return (0..<count).map { column in
            let part = buckets[column * buckets.count / count..<(column + 1) * buckets.count / count]
            let lows = part.compactMap { $0["min"]?.doubleValue }
            let highs = part.compactMap { $0["max"]?.doubleValue }
            let means = part.compactMap { $0["mean"]?.doubleValue }
            guard let low = lows.min(), let high = highs.max() else { return nil }
            return (low, high, means.reduce(0, +) / Double(means.count))
        }
    }

    /// Four digits that count, without trailing zeros.
    private static func shown(_ value: Double) -> String {
        guard value != 0, abs(value) >= 1e-4, abs(value) < 1e9 else { return value.description }
        var scale = 1.0
        while abs(value) * scale < 1000 { scale *= 10 }
        return ((value * scale).rounded() / scale).description
    }
}
