import Core

/// Cuts files where their content says so, so that a change moves only the cuts near it: the gear hash of FastCDC (Xia et
/// al., USENIX ATC 2016) with normalized chunking, that is with a harder condition before the usual size and an easier one
/// behind it. Part of the format: other numbers would cut the same files elsewhere and store them again.
enum Chunker {
    static let minimumBytes = 256 << 10
    static let usualBytes = 512 << 10
    static let maximumBytes = 2 << 20

    /// About 2^21 and 2^17 bytes to the next cut; the high bits, which 64 bytes have mixed.
    private static let hardMask: UInt64 = ~0 << (64 - 21)
    private static let easyMask: UInt64 = ~0 << (64 - 17)

    /// A random number for each byte (SplitMix64, from 0 on).
    private static let gear: [UInt64] = (0..<256).map { index in
        var z = UInt64(index + 1) &* 0x9e37_79b9_7f4a_7c15
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }

    /// The length of the chunk that begins at the first of these bytes.
    ///
    /// - Parameter isEnd: the file ends with these bytes.
    /// - Returns: nil if more bytes are needed to say it.
    static func cut(_ bytes: UnsafeRawBufferPointer, isEnd: Bool) -> Int? {
        let count = min(bytes.count, maximumBytes)
        var at = min(minimumBytes, count)
        let found = gear.withUnsafeBufferPointer { gear -> Int? in
            guard let gear = gear.baseAddress, let bytes = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
            else { return nil }
            var hash: UInt64 = 0
            let usual = min(usualBytes, count)
            while at < usual {
                hash = (hash << 1) &+ gear[Int(bytes[at])]
                at += 1
                if hash & hardMask == 0 { return at }
            }
            while at < count {
                hash = (hash << 1) &+ gear[Int(bytes[at])]
                at += 1
                if hash & easyMask == 0 { return at }
            }
            return nil
        }
        if let found { return found }
        return count == maximumBytes || (isEnd && count > 0) ? count : nil
    }
}
