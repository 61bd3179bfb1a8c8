#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Which machines a request may reach. The policy looks at the address of the peer itself, each time a connection is
/// opened or used again, so neither a redirect nor a name that resolves differently the second time gets around it.
public enum AddressPolicy: Sendable, Hashable {
    /// Any address: for what an administrator configured.
    case any
    /// Only global unicast addresses: for URLs that users give. Refuses loopback, private, link-local (and so the
    /// metadata services of clouds), unique-local, multicast and reserved ranges, and goes through no proxy.
    case publicOnly
    /// Also private and loopback addresses, for owners who let sources reach their own network. Link-local addresses, the
    /// metadata services of clouds, multicast and reserved ranges stay refused; goes through no proxy.
    case privateToo

    public func allows(_ address: IPAddress) -> Bool {
        switch self {
        case .any: true
        case .publicOnly: address.isPublic
        case .privateToo: !address.isNeverForUsers
        }
    }
}

/// An IPv4 or IPv6 address as its 4 or 16 bytes.
public struct IPAddress: Hashable, Sendable, CustomStringConvertible {
    public let bytes: [UInt8]

    /// Parses dotted-quad IPv4 or IPv6 text; nil for anything else.
    public init?(_ text: String) {
        var v4 = in_addr()
        var v6 = in6_addr()
        if inet_pton(AF_INET, text, &v4) == 1 {
            bytes = withUnsafeBytes(of: v4) { Array($0) }
        } else if inet_pton(AF_INET6, text, &v6) == 1 {
            bytes = withUnsafeBytes(of: v6) { Array($0) }
        } else {
            return nil
        }
    }

    /// The address in a `sockaddr`; nil for other families.
    init?(family: Int32, sockaddr: UnsafeRawPointer) {
        switch family {
        case AF_INET: bytes = withUnsafeBytes(of: sockaddr.load(as: sockaddr_in.self).sin_addr) { Array($0) }
        case AF_INET6: bytes = withUnsafeBytes(of: sockaddr.load(as: sockaddr_in6.self).sin6_addr) { Array($0) }
        default: return nil
        }
    }

    public var description: String {
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        inet_ntop(bytes.count == 4 ? AF_INET : AF_INET6, bytes, &text, socklen_t(text.count))
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Whether the address is global unicast. Follows IANA's registries of special-purpose IPv4 and IPv6 addresses
    /// (RFC 6890 and its updates); IPv6 addresses that carry an IPv4 address are judged by it.
    public var isPublic: Bool {
        if bytes.count == 4 { return !Self.special4.contains { matches($0.bytes, bits: $0.bits) } }
        if matches(Self.mapped, bits: 96) || matches(Self.nat64, bits: 96) {
            return IPAddress(bytes: Array(bytes[12...])).isPublic
        }
        if matches([0x20, 0x02], bits: 16) { return IPAddress(bytes: Array(bytes[2..<6])).isPublic }  // 6to4
        return matches([0x20], bits: 3) && !Self.special6.contains { matches($0.bytes, bits: $0.bits) }
    }

    /// Whether no URL that a user gives has any business there: this network, link-local (and so metadata services),
    /// multicast, broadcast and reserved ranges.
    public var isNeverForUsers: Bool {
        if bytes.count == 4 { return Self.never4.contains { matches($0.bytes, bits: $0.bits) } }
        if matches(Self.mapped, bits: 96) || matches(Self.nat64, bits: 96) {
            return IPAddress(bytes: Array(bytes[12...])).isNeverForUsers
        }
        if matches([0x20, 0x02], bits: 16) { return IPAddress(bytes: Array(bytes[2..<6])).isNeverForUsers }  // 6to4
        return Self.never6.contains { matches($0.bytes, bits: $0.bits) }
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    private func matches(_ prefix: [UInt8], bits: Int) -> Bool {
        for i in 0..<bits / 8 where bytes[i] != prefix[i] { return false }
        let rest = bits % 8
        return rest == 0 || (bytes[bits / 8] ^ prefix[bits / 8]) >> (8 - rest) == 0
    }

    private static let mapped: [UInt8] = Array(repeating: 0, count: 10) + [0xff, 0xff]
    private static let nat64: [UInt8] = [0x00, 0x64, 0xff, 0x9b] + Array(repeating: 0, count: 8)

    private static let special4: [(bytes: [UInt8], bits: Int)] = [
        ([0], 8),  // this network
        ([10], 8), ([172, 16], 12), ([192, 168], 16),  // private
        ([100, 64], 10),  // shared by carriers
        ([127], 8),  // loopback
        ([169, 254], 16),  // link-local: metadata services
        ([168, 63, 129, 16], 32),  // Azure's metadata service, outside the ranges above
        ([192, 0, 0], 24),  // protocol assignments
        ([192, 0, 2], 24), ([198, 51, 100], 24), ([203, 0, 113], 24),  // documentation
        ([192, 88, 99], 24),  // 6to4 relays, withdrawn
        ([198, 18], 15),  // benchmarks
        ([224], 4),  // multicast
        ([240], 4),  // reserved, broadcast
    ]

    private static let never4: [(bytes: [UInt8], bits: Int)] = [
        ([0], 8), ([169, 254], 16), ([168, 63, 129, 16], 32), ([224], 4), ([240], 4),
        ([100, 100, 100, 200], 32),  // Alibaba's metadata service
    ]

    private static let never6: [(bytes: [UInt8], bits: Int)] = [
        ([0xfe, 0x80], 10), ([0xff], 8), (Array(repeating: 0, count: 16), 128),
        ([0xfd, 0x00, 0x0e, 0xc2] + Array(repeating: 0, count: 10) + [0x02, 0x54], 128),  // Amazon's metadata service
    ]

    /// Within 2000::/3; all outside it is refused already: loopback, unique-local, link-local, multicast, discard.
    private static let special6: [(bytes: [UInt8], bits: Int)] = [
        ([0x20, 0x01, 0x00], 23),  // protocol assignments, Teredo
        ([0x20, 0x01, 0x0d, 0xb8], 32), ([0x3f, 0xff, 0x00], 20),  // documentation
    ]
}
