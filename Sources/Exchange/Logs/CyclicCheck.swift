/// A cyclic redundancy check of 32 bits, least significant bit first, by a table (RFC 1952, section 8).
struct CyclicCheck: Sendable {
    /// CRC-32 as in zlib.
    static let zlib = CyclicCheck(polynomial: 0xEDB8_8320)
    /// CRC-32C (Castagnoli).
    static let castagnoli = CyclicCheck(polynomial: 0x82F6_3B78)

    private let table: [UInt32]

    private init(polynomial: UInt32) {
        table = (0..<256).map { index in
            (0..<8).reduce(UInt32(index)) { value, _ in value & 1 == 1 ? polynomial ^ (value >> 1) : value >> 1 }
        }
    }

    func callAsFunction(_ bytes: some Sequence<UInt8>, after: UInt32 = 0) -> UInt32 {
        ~bytes.reduce(~after) { table[Int(($0 ^ UInt32($1)) & 0xff)] ^ ($0 >> 8) }
    }
}
