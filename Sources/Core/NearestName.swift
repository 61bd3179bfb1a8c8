/// What somebody probably meant to write.
public enum NearestName {
    /// The known name that takes the fewest changes of one letter or swaps of two neighbours (the optimal string alignment
    /// distance of Damerau and Levenshtein, letters' case aside), if those are few for its length.
    public static func of(_ text: String, in known: some Sequence<String>) -> String? {
        let wanted = Array(text.prefix(Limits.nameBytes).lowercased())
        let found = known.map { ($0, distance(wanted, Array($0.prefix(Limits.nameBytes).lowercased()))) }
            .min { $0.1 < $1.1 }
        guard let found, found.1 <= max(1, min(wanted.count, found.0.count) / 2) else { return nil }
        return found.0
    }

    /// `; did you mean 'range'`, or nothing.
    public static func hint(_ text: String, in known: some Sequence<String>) -> String {
        of(text, in: known).map { "; did you mean '\($0)'" } ?? ""
    }

    private static func distance(_ a: [Character], _ b: [Character]) -> Int {
        // The rows for the letters of `a` up to the last two, and the one under way.
        var (before, last) = ([Int](), Array(0...b.count))
        for i in a.indices {
            var row = [i + 1]
            for j in b.indices {
                var least = min(last[j] + (a[i] == b[j] ? 0 : 1), last[j + 1] + 1, row[j] + 1)
                if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { least = min(least, before[j - 1] + 1) }
                row.append(least)
            }
            (before, last) = (last, row)
        }
        return last[b.count]
    }
}
