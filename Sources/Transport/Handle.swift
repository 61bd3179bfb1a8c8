import CCurl
import Core
import Synchronization

/// A libcurl handle with its open connections. Unchecked: a handle is always held by one thread only; `HandlePool`
/// hands it from one to the next.
final class Handle: @unchecked Sendable {
    private let curl: UnsafeMutableRawPointer
    /// Whom it spoke to last, so that the next request to the same origin gets the open connection.
    var lastOrigin = ""

    private static let isReady: Bool = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK

    init() throws {
        guard Self.isReady, let curl = curl_easy_init() else {
            throw SlipwayError(.unavailable, "libcurl could not be initialised.")
        }
        self.curl = curl
    }

    deinit { curl_easy_cleanup(curl) }

    struct Settings {
        var method: String
        var headers: [(name: String, value: String)]
        var body: HTTPBody
        var timeoutSeconds: Double?
        var connectTimeoutSeconds: Double
        var stallSeconds: Double
        var userAgent: String
        var authorityFile: String?
    }

    /// Performs the exchange. The answer is in `exchange` if this returns.
    func perform(_ exchange: Exchange, _ settings: Settings) throws {
        curl_easy_reset(curl)
        set(CURLOPT_NOSIGNAL, 1)
        set(CURLOPT_PROTOCOLS_STR, "http,https")
        set(CURLOPT_BUFFERSIZE, 256 * 1024)
        set(CURLOPT_UPLOAD_BUFFERSIZE, 256 * 1024)
        set(CURLOPT_CONNECTTIMEOUT_MS, milliseconds(settings.connectTimeoutSeconds))
        if let seconds = settings.timeoutSeconds { set(CURLOPT_TIMEOUT_MS, milliseconds(seconds)) }
        set(CURLOPT_LOW_SPEED_LIMIT, 1)
        set(CURLOPT_LOW_SPEED_TIME, max(1, Int(settings.stallSeconds.rounded(.up))))
        // A proxy would hide the peer's address from the policy.
        if exchange.policy != .any || exchange.unixSocket != nil { set(CURLOPT_PROXY, "") }
        if let path = exchange.unixSocket { set(CURLOPT_UNIX_SOCKET_PATH, path) }
        if let file = settings.authorityFile { set(CURLOPT_CAINFO, file) }
        set(CURLOPT_URL, exchange.url.text)
        let list = setMessage(settings)
        defer { curl_slist_free_all(list) }
        setCallbacks(exchange)
        var message = [CChar](repeating: 0, count: Int(CURL_ERROR_SIZE))
        let code = message.withUnsafeMutableBufferPointer { buffer in
            slipway_setopt_pointer(curl, CURLOPT_ERRORBUFFER, buffer.baseAddress)
            let code = curl_easy_perform(curl)
            slipway_setopt_pointer(curl, CURLOPT_ERRORBUFFER, nil)
            return code
        }
        lastOrigin = exchange.url.origin
        if code != CURLE_OK, !exchange.stoppedBySink {
            let text = String(decoding: message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            throw TransferFailure(code: code, exchange: exchange, message: text).error
        }
        try exchange.finish()
    }

    private func milliseconds(_ seconds: Double) -> Int { Int(min(max(seconds, 0.001), 1_000_000) * 1000) }
    private func set(_ option: CURLoption, _ value: Int) { slipway_setopt_long(curl, option, value) }
    private func set(_ option: CURLoption, _ value: String) { slipway_setopt_string(curl, option, value) }

    private func setMessage(_ settings: Settings) -> UnsafeMutablePointer<curl_slist>? {
        switch (settings.method, settings.body) {
        case ("HEAD", _): set(CURLOPT_NOBODY, 1)
        case ("GET", .none): set(CURLOPT_HTTPGET, 1)
        case (_, .none):
            // Methods that usually carry a body must say that this one is empty (RFC 9110, 8.6).
            if ["POST", "PUT", "PATCH"].contains(settings.method) {
                slipway_setopt_offset(curl, CURLOPT_INFILESIZE_LARGE, 0)
                set(CURLOPT_UPLOAD, 1)
            }
            set(CURLOPT_CUSTOMREQUEST, settings.method)
        default:
            set(CURLOPT_UPLOAD, 1)
            slipway_setopt_offset(curl, CURLOPT_INFILESIZE_LARGE, curl_off_t(settings.body.length))
            set(CURLOPT_CUSTOMREQUEST, settings.method)
        }
        // libcurl's own `Expect: 100-continue` costs a second with servers that do not know it.
        var list = curl_slist_append(nil, "Expect:")
        var hasAgent = false
        for (name, value) in settings.headers {
            hasAgent = hasAgent || name.equalsIgnoringCase("User-Agent")
            // `Name;` is libcurl's way to write a header without a value; `Name:` would remove it.
            list = curl_slist_append(list, value.isEmpty ? "\(name);" : "\(name): \(value)")
        }
        if !hasAgent { set(CURLOPT_USERAGENT, settings.userAgent) }
        slipway_setopt_pointer(curl, CURLOPT_HTTPHEADER, list)
        return list
    }

    private func setCallbacks(_ exchange: Exchange) {
        let me = Unmanaged.passUnretained(exchange).toOpaque()
        for option in [
            CURLOPT_WRITEDATA, CURLOPT_HEADERDATA, CURLOPT_READDATA, CURLOPT_SEEKDATA, CURLOPT_XFERINFODATA,
            CURLOPT_OPENSOCKETDATA,
            CURLOPT_PREREQDATA,
        ] { slipway_setopt_pointer(curl, option, me) }
        slipway_setopt_data(curl, CURLOPT_WRITEFUNCTION) { bytes, size, count, me in
            let n = size * count
            return Exchange.from(me).take(UnsafeRawBufferPointer(start: bytes, count: n)) ? n : (n == 0 ? 1 : 0)
        }
        slipway_setopt_data(curl, CURLOPT_HEADERFUNCTION) { bytes, size, count, me in
            let n = size * count
            return Exchange.from(me).takeHeader(UnsafeRawBufferPointer(start: bytes, count: n)) ? n : 0
        }
        slipway_setopt_data(curl, CURLOPT_READFUNCTION) { room, size, count, me in
            Exchange.from(me).give(UnsafeMutableRawBufferPointer(start: room, count: size * count))
        }
        slipway_setopt_seek(curl, CURLOPT_SEEKFUNCTION) { me, offset, whence in
            whence == 0 && Exchange.from(me).rewind(to: Int64(offset))
                ? Int32(CURL_SEEKFUNC_OK) : Int32(CURL_SEEKFUNC_CANTSEEK)
        }
        set(CURLOPT_NOPROGRESS, 0)
        slipway_setopt_progress(curl, CURLOPT_XFERINFOFUNCTION) { me, _, _, _, _ in
            Exchange.from(me).cancellation.isCancelled ? 1 : 0
        }
        slipway_setopt_opensocket(curl, CURLOPT_OPENSOCKETFUNCTION) { me, _, address in
            guard let address else { return -1 }
            return Exchange.from(me).openSocket(address)
        }
        slipway_setopt_prerequest(curl, CURLOPT_PREREQFUNCTION) { me, peer, _, _, _ in
            Exchange.from(me).prerequest(peer)
        }
    }
}

extension Exchange {
    fileprivate static func from(_ pointer: UnsafeMutableRawPointer?) -> Exchange {
        // swift-format-ignore: NeverForceUnwrap
        Unmanaged<Exchange>.fromOpaque(pointer!).takeUnretainedValue()
    }
}

/// Handles that no request uses now, with their connections.
final class HandlePool: Sendable {
    private let idle = Mutex<[Handle]>([])

    /// A handle that may have a connection to `origin` open; else any other, else a new one.
    func take(for origin: String) throws -> Handle {
        let found: Handle? = idle.withLock { idle in
            if let match = idle.lastIndex(where: { $0.lastOrigin == origin }) { return idle.remove(at: match) }
            return idle.popLast()
        }
        return try found ?? Handle()
    }

    func giveBack(_ handle: Handle) { idle.withLock { $0.append(handle) } }
}
