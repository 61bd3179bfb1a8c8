import CCurl
import Core

/// What libcurl's codes mean to the callers of `HTTPClient`.
struct TransferFailure {
    let code: CURLcode
    let exchange: Exchange
    /// libcurl's own words; shown for TLS only, where they say what is wrong with a certificate.
    let message: String

    var error: any Error {
        if let failure = exchange.failure { return failure }
        let peer = exchange.url.authority
        let reason = String(cString: curl_easy_strerror(code))
        func fail(_ code: ErrorCode, _ text: String) -> SlipwayError {
            SlipwayError(code, text, details: ["host": peer])
        }
        if let address = exchange.refusedAddress {
            return fail(
                .forbidden,
                "\(peer) is at \(address), which is not a public address; URLs that users give may reach public addresses only, unless the server (--allow-private-sources) or an admin (slipway source policy --allow-private) lets them into private networks. Link-local addresses stay refused."
            )
        }
        switch code {
        case CURLE_ABORTED_BY_CALLBACK: return fail(.cancelled, "The request to \(peer) was cancelled.")
        case CURLE_OPERATION_TIMEDOUT:
            return fail(.deadlineExceeded, "\(peer) did not answer in time, or stopped sending.")
        case CURLE_COULDNT_RESOLVE_HOST:
            return fail(
                .unavailable,
                "The host name '\(exchange.url.host)' could not be resolved. Check its spelling and the name service.")
        case CURLE_COULDNT_CONNECT:
            return fail(.unavailable, "No connection to \(peer): nothing listens there, or a firewall is between.")
        case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CONNECT_ERROR, CURLE_SSL_CACERT_BADFILE, CURLE_SSL_CERTPROBLEM,
            CURLE_SSL_CIPHER:
            return fail(.unavailable, "No trusted TLS connection to \(peer): \(message.isEmpty ? reason : message).")
        case CURLE_URL_MALFORMAT, CURLE_UNSUPPORTED_PROTOCOL: return fail(.invalid, "\(peer): \(reason).")
        case CURLE_PARTIAL_FILE, CURLE_GOT_NOTHING, CURLE_RECV_ERROR, CURLE_SEND_ERROR, CURLE_HTTP2, CURLE_HTTP2_STREAM:
            return BrokenConnection(peer: peer, reason: reason)
        default: return fail(.unavailable, "The request to \(peer) failed: \(reason).")
        }
    }
}

/// The connection broke while an answer was on its way; a download may go on from where it stopped.
struct BrokenConnection: Error {
    let peer: String
    let reason: String
    /// What the peer asks to wait before the next try.
    var leastSeconds = 0.0

    var error: SlipwayError {
        SlipwayError(.unavailable, "The connection to \(peer) broke: \(reason).", details: ["host": peer])
    }
}
