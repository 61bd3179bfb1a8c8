/// Base64 (RFC 4648, section 4).
public enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    public static func encode(_ bytes: [UInt8]) -> String {
        let size = (bytes.count + 2) / 3 * 4
        return String(unsafeUninitializedCapacity: size) { out in
            alphabet.withUnsafeBufferPointer { alphabet in
                for (group, i) in stride(from: 0, to: bytes.count, by: 3).enumerated() {
                    let b1 = i + 1 < bytes.count ? bytes[i + 1] : 0
                    let b2 = i + 2 < bytes.count ? bytes[i + 2] : 0
                    out[group * 4] = alphabet[Int(bytes[i] >> 2)]
                    out[group * 4 + 1] = alphabet[Int((bytes[i] & 3) << 4 | b1 >> 4)]
                    out[group * 4 + 2] = i + 1 < bytes.count ? alphabet[Int((b1 & 15) << 2 | b2 >> 6)] : 61
                    out[group * 4 + 3] = i + 2 < bytes.count ? alphabet[Int(b2 & 63)] : 61
                }
            }
            return size
        }
    }

    private static let values: [UInt8] = {
        var values = [UInt8](repeating: 255, count: 256)
        for (value, byte) in alphabet.enumerated() { values[Int(byte)] = UInt8(value) }
        return values
    }()

    /// The bytes, or nil when the text is not base64; padding may be left out.
    public static func decode(_ text: String) -> [UInt8]? {
        var text = text
        return text.withUTF8 { digits in
            var end = digits.count
            while end > 0, digits[end - 1] == 61 { end -= 1 }
            return values.withUnsafeBufferPointer { values in
                var isValid = true
                let out = [UInt8](unsafeUninitializedCapacity: end / 4 * 3 + 3) { out, count in
                    var at = 0
                    while at + 4 <= end {
                        let (a, b, c, d) = (
                            values[Int(digits[at])], values[Int(digits[at + 1])], values[Int(digits[at + 2])],
                            values[Int(digits[at + 3])]
                        )
                        if (a | b | c | d) > 63 { isValid = false }
                        out[count] = a &<< 2 | b &>> 4
                        out[count + 1] = b &<< 4 | c &>> 2
                        out[count + 2] = c &<< 6 | d
                        count += 3
                        at += 4
                    }
                    if at < end {
                        let rest = (at..<end).map { values[Int(digits[$0])] }
                        if rest.contains(where: { $0 > 63 }) { isValid = false }
                        if rest.count > 1 {
                            out[count] = rest[0] &<< 2 | rest[1] &>> 4
                            count += 1
                        }
                        if rest.count > 2 {
                            out[count] = rest[1] &<< 4 | rest[2] &>> 2
                            count += 1
                        }
                    }
                }
                return isValid ? out : nil
            }
        }
    }
}
