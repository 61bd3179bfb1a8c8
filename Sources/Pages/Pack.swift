import Core

/// The files of the web application, each as it is and compressed beforehand, as `ui/build/build.ts` packs them:
/// `slipway ui 1\n`, the length of the index in eight hexadecimal digits, `\n`, the index as JSON, and the bodies. The
/// index says where a body is, counted from its own end.
struct Pack: Sendable {
    enum Encoding: String, Sendable, CaseIterable {
        /// In the order in which they are preferred: the smallest first.
        case brotli = "br"
        case gzip, identity
    }

    struct Asset: Sendable {
        let type: String
        /// A digest of the body as it is.
        let digest: String
        fileprivate let bodies: [Encoding: Range<Int>]

        var encodings: Set<Encoding> { Set(bodies.keys) }
    }

    /// The path of the page that shows all others.
    static let page = "/ui/"
    private static let magic = "slipway ui 1\n"
    private static let headBytes = magic.utf8.count + 9

    /// By path.
    let assets: [String: Asset]
    private let bytes: @Sendable (Range<Int>) -> [UInt8]

    /// - Parameter bytes: gives a part of the pack.
    /// - Throws: `unavailable` if it is not a whole pack.
    init(count: Int, bytes: @escaping @Sendable (Range<Int>) -> [UInt8]) throws {
        let broken = SlipwayError(.unavailable, "The pack of the web application is broken. Run: make ui")
        guard count > Self.headBytes else { throw broken }
        let head = String(decoding: bytes(0..<Self.headBytes), as: UTF8.self)
        guard head.hasPrefix(Self.magic), let length = Int(head.dropFirst(Self.magic.count).dropLast(), radix: 16),
            (1...count - Self.headBytes).contains(length)
        else { throw broken }
        let start = Self.headBytes + length
        guard let index = try? JSONValue(parsing: bytes(Self.headBytes..<start)).arrayValue else { throw broken }
        var assets: [String: Asset] = [:]
        for entry in index {
            var bodies: [Encoding: Range<Int>] = [:]
            for encoding in Encoding.allCases {
                guard let place = entry[encoding.rawValue]?.arrayValue?.compactMap(\.intValue) else { continue }
                guard place.count == 2, place[0] >= 0, place[1] >= 0, place[0] + place[1] <= count - start else {
                    throw broken
                }
                bodies[encoding] = start + Int(place[0])..<start + Int(place[0] + place[1])
            }
            guard let path = entry["path"]?.stringValue, let type = entry["type"]?.stringValue,
                let digest = entry["digest"]?.stringValue, bodies[.identity] != nil
            else { throw broken }
            assets[path] = Asset(type: type, digest: digest, bodies: bodies)
        }
        guard assets[Self.page] != nil else { throw broken }
        self.assets = assets
        self.bytes = bytes
    }

    /// The bytes of an asset in one of its encodings.
    func body(_ asset: Asset, _ encoding: Encoding) -> [UInt8] { asset.bodies[encoding].map(bytes) ?? [] }
}
