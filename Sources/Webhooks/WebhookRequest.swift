import Core
import Datasets
import Platform
import Synchronization
import Transport

/// What came of sending to a webhook.
public struct WebhookAnswer: Sendable {
    public let status: Int?
    /// The beginning of the answer's body.
    public let body: String
    /// What went wrong, where it was not an answer of success.
    public let error: String?
    /// Whether trying again may help, and how long to wait at least.
    let retrySeconds: Double?

    public var succeeded: Bool { error == nil }
}

/// One request to a webhook, signed as MLflow signs its own: HMAC-SHA256 with the secret over `ID.TIMESTAMP.BODY`, in
/// base64, after the scheme of Standard Webhooks. The time is that of the try, so that receivers can refuse old ones; the
/// id is the same in all tries, so that they can tell repetitions.
struct WebhookRequest {
    static let timeoutSeconds = 30.0
    private static let answerBytes = 16 << 10
    private static let retried: Set<Int> = [408, 425, 429, 500, 502, 503, 504]

    let service: WebhooksService
    let hook: Webhook

    func send(_ body: String, delivery: String) async throws -> WebhookAnswer {
        do {
            let request = try await request(body, delivery: delivery)
            let start = Mutex<[UInt8]>([])
            let response = try await service.platform.http.stream(request) { bytes in
                start.withLock { start in
                    start += bytes.prefix(Self.answerBytes - start.count)
                    return start.count < Self.answerBytes
                }
            }
            let text = response.isSuccess ? start.withLock { $0 } : Array(response.body.prefix(Self.answerBytes))
            let shown = String(decoding: text, as: UTF8.self)
            if response.isSuccess {
                return WebhookAnswer(status: response.status, body: shown, error: nil, retrySeconds: nil)
            }
            // Redirects are not followed: the receiver is who was named, and nobody else.
            let problem =
                (300..<400).contains(response.status)
                ? "it answered \(response.status), a redirect, which webhooks do not follow; give the webhook that URL"
                : "it answered \(response.status)"
            return WebhookAnswer(
                status: response.status, body: shown, error: problem,
                retrySeconds: Self.retried.contains(response.status)
                    ? response[header: "Retry-After"].flatMap(Double.init).map { min(max($0, 0), 3600) } ?? 0 : nil)
        } catch let error as SlipwayError {
            if error.code == .cancelled { throw error }
            let mayPass = error.code == .unavailable || error.code == .deadlineExceeded
            return WebhookAnswer(status: nil, body: "", error: error.message, retrySeconds: mayPass ? 0 : nil)
        }
    }

    private func request(_ body: String, delivery: String) async throws -> HTTPRequest {
        let policy = try await service.datasets.outbound(hook.project)
        try WebhooksService.requireScheme(WebURL(parsing: hook.url), policy)
        let time = String(service.platform.clock.now().milliseconds / 1000)
        var headers = [
            (name: "Content-Type", value: "application/json"), ("X-MLflow-Delivery-Id", delivery),
            ("X-MLflow-Timestamp", time),
        ]
        if let sealed = hook.sealedSecret {
            let secret = try SecretBox.open(folder: service.platform.dataDirectory, makesKey: false)
                .open(sealed, project: hook.project, name: WebhooksService.secretName(hook))
            headers.append(("X-MLflow-Signature", Self.signature(secret, delivery, time, body)))
        }
        var request = HTTPRequest(
            method: "POST", url: hook.url, headers: headers, body: .bytes(Array(body.utf8)),
            timeoutSeconds: Self.timeoutSeconds, followRedirects: false)
        policy.apply(to: &request)
        return request
    }

    static func signature(_ secret: Secret<String>, _ delivery: String, _ time: String, _ body: String) -> String {
        let mac = Crypto.hmacSHA256(key: Array(secret.reveal.utf8), Array("\(delivery).\(time).\(body)".utf8))
        return "v1," + Base64.encode(mac)
    }
}
