import CCurl
import Core

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Where the bytes of an answer go. Returning false ends the transfer without an error.
typealias ByteSink = (UnsafeRawBufferPointer) throws -> Bool

/// One request and its answer, without redirects, on one libcurl handle; the state that libcurl's callbacks work on.
/// Lives on one thread.
final class Exchange {
    let url: WebURL
    let policy: AddressPolicy
    let cancellation: Cancellation
    private let method: String
    let unixSocket: String?
    private let sink: ByteSink?
    private let onHead: (Exchange) throws -> Void
    private var maximumBytes: Int64
    private var hasBegun = false
    private var upload: UploadSource

    private(set) var status = 0
    private(set) var headers: [(name: String, value: String)] = []
    private var headerBytes = 0
    /// The body, or the beginning of it if it is an error's and a sink takes the others.
    private(set) var body: [UInt8] = []
    private(set) var received: Int64 = 0
    /// Why a callback ended the transfer.
    private(set) var failure: (any Error)?
    private(set) var stoppedBySink = false
    private var refused: IPAddress?

    /// - Parameters:
    ///   - sink: takes the body if the status is in 200–299; nil keeps it in memory.
    ///   - maximumBytes: of the body; past it, the exchange fails with `tooLarge`.
    ///   - onHead: called once, before the first byte of a body that goes to the sink.
    init(
        method: String, url: WebURL, body: HTTPBody, policy: AddressPolicy, unixSocket: String?, maximumBytes: Int64,
        cancellation: Cancellation,
        sink: ByteSink?, onHead: @escaping (Exchange) throws -> Void
    ) throws {
        (self.method, self.url, self.policy, self.cancellation) = (method, url, policy, cancellation)
        self.unixSocket = unixSocket
        (self.maximumBytes, self.sink, self.onHead) = (maximumBytes, sink, onHead)
        upload = try UploadSource(body)
    }

    func header(_ name: String) -> String? { headers.first { $0.name.equalsIgnoringCase(name) }?.value }

    var isRedirect: Bool { [301, 302, 303, 307, 308].contains(status) && header("Location") != nil }

    /// The address of the peer, if the policy refuses it.
    var refusedAddress: IPAddress? { refused }

    // MARK: What the callbacks do

    /// A connection is about to be opened.
    func openSocket(_ address: UnsafeMutablePointer<curl_sockaddr>) -> curl_socket_t {
        if unixSocket == nil {
            guard let peer = IPAddress(family: address.pointee.family, sockaddr: slipway_sockaddr(address)),
                allow(peer)
            else { return -1 }
        } else if address.pointee.family != AF_UNIX {
            return -1
        }
        #if canImport(Glibc)
            return socket(
                address.pointee.family, address.pointee.socktype | Int32(SOCK_CLOEXEC.rawValue),
                address.pointee.protocol)
        #else
            return socket(address.pointee.family, address.pointee.socktype, address.pointee.protocol)
        #endif
    }

    /// A request is about to be sent, perhaps on a connection that was open already.
    func prerequest(_ peer: UnsafeMutablePointer<CChar>?) -> Int32 {
        if policy == .any || unixSocket != nil { return Int32(CURL_PREREQFUNC_OK) }
        let text = peer.map { String(cString: $0) } ?? ""
        guard let address = IPAddress(String(text.prefix { $0 != "%" })), allow(address) else {
            return Int32(CURL_PREREQFUNC_ABORT)
        }
        return Int32(CURL_PREREQFUNC_OK)
    }

    private func allow(_ address: IPAddress) -> Bool {
        if policy.allows(address) { return true }
        refused = address
        return false
    }

    /// One line of the head of an answer; an answer may follow an interim one (1xx).
    func takeHeader(_ line: UnsafeRawBufferPointer) -> Bool {
        headerBytes += line.count
        guard headerBytes <= 256 * 1024 else {
            failure = SlipwayError(.tooLarge, "\(url.authority) sent more than 256 KiB of headers.")
            return false
        }
        let text = String(decoding: line, as: UTF8.self)
        if text.hasPrefix("HTTP/") {
            headers = []
            status = text.split(separator: " ").dropFirst().first.flatMap { Int($0.prefix(3)) } ?? 0
        } else if let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")) {
            headers.append((text[..<colon].trimmed, text[text.utf8.index(after: colon)...].trimmed))
        }
        return true
    }

    func take(_ bytes: UnsafeRawBufferPointer) -> Bool {
        do {
            if !hasBegun { try begin() }
            received += Int64(bytes.count)
            if isRedirect { return received <= 1 << 20 }
            if received > maximumBytes { throw tooLarge() }
            if let sink {
                if (200..<300).contains(status) {
                    stoppedBySink = try !sink(bytes)
                    return !stoppedBySink
                }
                let room = 64 * 1024 - body.count
                if room > 0 { body.append(contentsOf: bytes.prefix(room)) }
            } else {
                body.append(contentsOf: bytes)
            }
            return true
        } catch {
            failure = error
            return false
        }
    }

    /// The transfer ended well; an answer without a body has not begun yet.
    func finish() throws {
        if !hasBegun { try begin() }
    }

    /// The body will begin from its first byte after all.
    func allow(moreBytes: Int64) { maximumBytes += moreBytes }

    private func begin() throws {
        hasBegun = true
        if !isRedirect { try onHead(self) }
        if let length = header("Content-Length").flatMap({ Int64($0) }), !isRedirect {
            if length > maximumBytes { throw tooLarge() }
            if sink == nil { body.reserveCapacity(Int(min(length, 64 << 20))) }
        }
    }

    private func tooLarge() -> SlipwayError {
        SlipwayError(
            .tooLarge, "\(url.authority) answers with more than the \(maximumBytes) bytes that are taken here.",
            details: ["limit": String(maximumBytes)])
    }

    func give(_ room: UnsafeMutableRawBufferPointer) -> Int {
        do {
            return try upload.read(into: room)
        } catch {
            failure = error
            return Int(CURL_READFUNC_ABORT)
        }
    }

    func rewind(to offset: Int64) -> Bool { upload.seek(to: offset) }
}

extension Substring {
    fileprivate var trimmed: String {
        let isSpace: (UInt8) -> Bool = { $0 == 32 || $0 == 9 || $0 == 13 || $0 == 10 }
        guard let first = utf8.firstIndex(where: { !isSpace($0) }), let last = utf8.lastIndex(where: { !isSpace($0) })
        else { return "" }
        return String(self[first...last])
    }
}

/// The body of a request, read piece by piece. Owns the file that it reads.
struct UploadSource: ~Copyable {
    private let bytes: [UInt8]
    private let file: Int32
    private let offset: Int64
    private let length: Int64
    private var at: Int64 = 0

    init(_ body: HTTPBody) throws {
        switch body {
        case .none: (bytes, file, offset) = ([], -1, 0)
        case .bytes(let all): (bytes, file, offset) = (all, -1, 0)
        case .file(let path, let from, _):
            let descriptor = open(path, O_RDONLY | O_CLOEXEC)
            guard descriptor >= 0 else {
                throw SlipwayError(
                    .notFound, "The file \(path) to be sent could not be opened: \(String(cString: strerror(errno))).")
            }
            (bytes, file, offset) = ([], descriptor, from)
        }
        length = body.length
    }

    deinit { if file >= 0 { close(file) } }

    mutating func read(into room: UnsafeMutableRawBufferPointer) throws -> Int {
        let wanted = Int(min(Int64(room.count), length - at))
        guard wanted > 0, let base = room.baseAddress else { return 0 }
        var count = wanted
        if file >= 0 {
            repeat { count = pread(file, base, wanted, off_t(offset + at)) } while count < 0 && errno == EINTR
            // A file that shrank would leave the server waiting for the rest.
            guard count > 0 else {
                throw SlipwayError(.conflict, "A file became shorter, or could not be read, while it was sent.")
            }
        } else {
            bytes.withUnsafeBytes {
                room.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[Int(at)..<Int(at) + wanted]))
            }
        }
        at += Int64(count)
        return count
    }

    mutating func seek(to position: Int64) -> Bool {
        guard (0...length).contains(position) else { return false }
        at = position
        return true
    }
}
