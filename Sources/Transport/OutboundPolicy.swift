import Core

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Names of hosts that may be reached: `data.example.org` itself, `*.example.org` for every name below it, or an address.
public struct HostList: Sendable, Hashable {
    public let patterns: [String]

    public static let maximumPatterns = 1000

    /// - Throws: `invalid`, naming `field` and the pattern.
    public init(parsing patterns: [String], field: String = "hosts") throws {
        guard patterns.count <= Self.maximumPatterns else {
            throw SlipwayError.field(field, "has over \(Self.maximumPatterns) hosts", expected: "fewer")
        }
        self.patterns = try patterns.map { text in
            let pattern = Self.normal(text)
            let name = pattern.hasPrefix("*.") ? String(pattern.dropFirst(2)) : pattern
            let isName = name.utf8.allSatisfy {
                (97...122).contains($0) || (48...57).contains($0) || $0 == 45 || $0 == 46 || $0 == 95
            }
            guard !name.isEmpty, name.utf8.count <= 253, isName || IPAddress(name) != nil else {
                throw SlipwayError.field(
                    field, "'\(text.prefix(80))' is not a host",
                    expected: "a name such as data.example.org, *.example.org or an address, without a port")
            }
            return pattern
        }
    }

    public func allows(_ host: String) -> Bool {
        let name = Self.normal(host)
        return patterns.contains { pattern in
            guard pattern.hasPrefix("*.") else { return pattern == name }
            let ending = pattern.dropFirst()
            return name.utf8.count > ending.utf8.count && name.hasSuffix(ending)
        }
    }

    /// - Throws: `forbidden`.
    public func require(_ host: String) throws {
        guard allows(host) else {
            throw SlipwayError(
                .forbidden,
                "\(host) is not among the hosts that sources may reach (\(patterns.isEmpty ? "none" : patterns.joined(separator: ", "))). An owner can allow it.",
                details: ["host": host])
        }
    }

    /// Without the case, the dot of the root and an IPv6 address's brackets.
    private static func normal(_ host: String) -> String {
        var name = host.lowercased()
        if name.hasSuffix("."), name.count > 1 { name.removeLast() }
        if name.hasPrefix("["), name.hasSuffix("]") { name = String(name.dropFirst().dropLast()) }
        return name
    }
}

/// Where requests that users ask for may go: lists of hosts, each of which must have the host, and ranges of addresses.
public struct OutboundPolicy: Sendable, Hashable {
    public var hosts: [HostList]
    public var addresses: AddressPolicy

    public init(hosts: [HostList], addresses: AddressPolicy) {
        self.hosts = hosts
        self.addresses = addresses
    }

    /// For what an administrator configured.
    public static let any = OutboundPolicy(hosts: [], addresses: .any)

    public func apply(to request: inout HTTPRequest) {
        request.hosts = hosts
        request.addressPolicy = addresses
    }

    private static let lookUps = BlockingPool(name: "look-ups", threads: 2)

    /// The addresses of a host for a connection that HTTPClient does not make: connect to one of these and to no other.
    ///
    /// - Throws: `forbidden` if the policy refuses the host or any of its addresses; `unavailable` if it has none.
    public func addresses(of host: String) async throws -> [IPAddress] {
        for list in hosts { try list.require(host) }
        let found = try await Self.lookUps.run { _ in
            var hints = addrinfo()
            // SOCK_STREAM on Linux and macOS, whose name optimised builds do not find: there curl's headers are read first.
            hints.ai_socktype = 1
            var list: UnsafeMutablePointer<addrinfo>?
            guard getaddrinfo(host, nil, &hints, &list) == 0 else { return [IPAddress]() }
            defer { freeaddrinfo(list) }
            var addresses: [IPAddress] = []
            var entry = list
            while let info = entry {
                if let address = IPAddress(family: info.pointee.ai_family, sockaddr: info.pointee.ai_addr),
                    !addresses.contains(address)
                {
                    addresses.append(address)
                }
                entry = info.pointee.ai_next
            }
            return addresses
        }
        guard !found.isEmpty else {
            throw SlipwayError(.unavailable, "There is no host named \(host).", details: ["host": host])
        }
        for address in found where !addresses.allows(address) {
            throw SlipwayError(
                .forbidden,
                "\(host) is at \(address), which is not a public address. Sources may not reach it; an owner of the server can allow private addresses.",
                details: ["host": host, "address": address.description])
        }
        return found
    }
}
