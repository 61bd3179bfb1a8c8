import Core

/// Little histograms out of block characters (Unicode, "Block Elements", U+2581 to U+2588).
enum Bars {
    private static let blocks = Array("▁▂▃▄▅▆▇█")

    /// One character a count, as high as its share of the largest; none is a space.
    static func text(_ counts: [Int64]) -> String {
        let largest = counts.max() ?? 0
        return String(
            counts.map { count -> Character in
                guard count > 0, largest > 0 else { return " " }
                let height = Int((Double(count) / Double(largest) * Double(blocks.count)).rounded(.up))
                return blocks[min(max(height, 1), blocks.count) - 1]
            })
    }

    /// The most frequent values with their shares: `a 60% · b 40%`.
    static func shares(_ values: [(value: String, count: Int64)], of total: Int64, limit: Int = 3) -> String {
        guard total > 0 else { return "" }
        return values.prefix(limit).map { item in
            let text = item.value.count > 20 ? item.value.prefix(19) + "…" : item.value[...]
            return "\(text) \(Int((Double(item.count) / Double(total) * 100).rounded()))%"
        }.joined(separator: " · ")
    }

    /// A column of a profile: the histogram of numbers and times, the top values of others.
    static func text(profile column: JSONValue, rows: Int64) -> String {
        if let counts = column["histogram"]?["counts"]?.arrayValue?.compactMap(\.intValue), !counts.isEmpty {
            return text(counts)
        }
        return shares(
            (column["topValues"]?.arrayValue ?? []).map {
                ($0["value"]?.stringValue ?? "", $0["count"]?.intValue ?? 0)
            }, of: rows - (column["nullCount"]?.intValue ?? 0))
    }
}
