/// What somebody probably meant to write.
public enum NearestName {
    /// The known name that takes the fewest changes of one letter (Levenshtein's distance, letters' case aside), if those
    /// are few for its length.
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
        var row = Array(0...b.count)
        for (i, letter) in a.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, other) in b.enumerated() {
                let change = diagonal + (letter == other ? 0 : 1)
                diagonal = row[j + 1]
                row[j + 1] = min(change, row[j] + 1, diagonal + 1)
            }
        }
        return row[b.count]
    }
}
