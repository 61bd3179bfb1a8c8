/// When the small files at the end of a version become one, so that a version a second stays quick to read and to make
/// for as long as it goes on.
///
/// The files of a version are in the order of its rows. A version that gets a new file at its end keeps the files before
/// it, but for a tail of small ones that it may replace by one file with the same rows in the same order. The tail is the
/// longest one of at least `fanIn` files whose first file is no larger than all behind it together; files of
/// `sealedBytes` or more are left alone for good. (The rule of size-tiered log-structured merge trees: O'Neil et al. 1996
/// for the idea; each byte is rewritten O(log n) times.) So a version keeps at most `fanIn - 1` files, plus one for each
/// doubling of size, plus the sealed ones.
///
/// Older versions keep their own files. Two versions with the same rows in other files have different digests: equal
/// digests mean equal content, not the other way round.
enum Compaction {
    static let fanIn = 8
    static let sealedBytes: Int64 = 64 << 20

    /// How many of the last files, the newest of them included, should become one; 0 for none.
    static func tail(_ sizes: [Int64]) -> Int {
        var behind: Int64 = 0
        var best = 0
        for (count, size) in zip(1..., sizes.reversed()) {
            if size >= sealedBytes { break }
            if count >= fanIn, size <= behind { best = count }
            behind += size
        }
        return best
    }
}
