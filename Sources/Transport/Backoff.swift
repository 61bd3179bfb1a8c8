import Core

/// How long to wait before trying again: exponential with full jitter, so that many clients that failed together do not
/// return together.
public struct Backoff: Sendable, Hashable {
    /// Tries in all.
    public let attempts: Int
    /// The upper end of the first wait; each later one doubles it, up to `maximumSeconds`.
    public let baseSeconds: Double
    public let maximumSeconds: Double

    public init(attempts: Int = 5, baseSeconds: Double = 0.1, maximumSeconds: Double = 5) {
        self.attempts = max(1, attempts)
        self.baseSeconds = baseSeconds
        self.maximumSeconds = maximumSeconds
    }

    /// The longest wait after so many failures (1 for the first).
    public func ceiling(afterFailures failures: Int) -> Double {
        min(maximumSeconds, baseSeconds * Double(1 << min(max(failures - 1, 0), 30)))
    }

    /// Runs `body` until it answers what `needsRetry` lets pass, or the tries are used up.
    ///
    /// - Parameters:
    ///   - needsRetry: whether to try again after this result; nil means no, else the least wait in seconds.
    ///   - body: gets the number of the try, from 1.
    public func run<T: Sendable>(
        needsRetry: @Sendable (Result<T, any Error>) -> Double?, _ body: @Sendable (Int) async throws -> T
    ) async throws -> T {
        var attempt = 1
        while true {
            let result: Result<T, any Error>
            do { result = .success(try await body(attempt)) } catch { result = .failure(error) }
            guard attempt < attempts, !Task.isCancelled, let least = needsRetry(result) else { return try result.get() }
            let wait = max(least, Double.random(in: 0...ceiling(afterFailures: attempt)))
            try await Task.sleep(nanoseconds: UInt64(min(wait, 60) * 1e9))
            attempt += 1
        }
    }
}
