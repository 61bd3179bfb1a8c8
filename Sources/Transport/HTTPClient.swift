import Core

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The one client for requests to other servers: libcurl on threads of its own. Connections are kept open and used
/// again. Cancelling the task ends a request within about a second. Errors are `SlipwayError`s that name the host, never
/// credentials or queries: `unavailable` (no connection, broken, untrusted), `deadlineExceeded`, `tooLarge`,
/// `cancelled`, `forbidden` (the address policy), `invalid`. An answer of any status is an answer, not an error.
public final class HTTPClient: Sendable {
    private let pool: BlockingPool
    private let handles = HandlePool()
    private let userAgent: String
    private let authorityFile: String?

    /// - Parameters:
    ///   - maximumConcurrency: how many requests run at once; more wait in order.
    ///   - authorityFile: a PEM file of certificate authorities to trust instead of the system's.
    public init(maximumConcurrency: Int = 16, userAgent: String = "slipway", authorityFile: String? = nil) {
        pool = BlockingPool(name: "http", threads: maximumConcurrency)
        self.userAgent = userAgent
        self.authorityFile = authorityFile
    }

    /// Sends a request and takes the whole answer into memory.
    public func send(_ request: HTTPRequest) async throws -> HTTPResponse {
        try await pool.run(survivesCancellation: request.survivesCancellation) { cancellation in
            var course = try self.course(request, cancellation, defaultMaximum: 64 << 20)
            return try course.run(sink: nil, restart: nil)
        }
    }

    /// Hands the body of a 2xx answer to `onBytes` as it comes, on a thread that may block; the sender waits meanwhile.
    /// If `onBytes` returns false, the transfer ends there, without an error.
    public func stream(
        _ request: HTTPRequest, onBytes: @escaping @Sendable ([UInt8]) throws -> Bool
    ) async throws -> HTTPResponse {
        try await pool.run(survivesCancellation: request.survivesCancellation) { cancellation in
            var course = try self.course(request, cancellation, defaultMaximum: .max)
            return try course.run(sink: { try onBytes(Array($0)) }, restart: nil)
        }
    }

    /// Writes the body of a 2xx answer to a file, which is made or emptied; after any other answer, or an error, it is
    /// removed. The file is not synced.
    ///
    /// - Parameter progress: bytes so far and, if the server says so, in all.
    public func download(
        _ request: HTTPRequest, to path: String, progress: (@Sendable (Int64, Int64?) -> Void)? = nil
    ) async throws -> HTTPResponse {
        try await pool.run(survivesCancellation: request.survivesCancellation) { cancellation in
            var course = try self.course(request, cancellation, defaultMaximum: .max)
            let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o644)
            func systemError(_ verb: String) -> SlipwayError {
                SlipwayError(
                    .unavailable, "The file \(path) could not be \(verb): \(String(cString: strerror(errno))).")
            }
            guard file >= 0 else { throw systemError("made") }
            var keep = false
            defer {
                close(file)
                if !keep { unlink(path) }
            }
            let response = try course.run(
                sink: { [total = course.total] bytes in
                    var rest = bytes
                    while let base = rest.baseAddress, rest.count > 0 {
                        let n = write(file, base, rest.count)
                        if n < 0, errno == EINTR { continue }
                        guard n > 0 else { throw systemError("written") }
                        rest = UnsafeRawBufferPointer(rebasing: rest[n...])
                    }
                    progress?(total.received, total.expected)
                    return true
                },
                restart: {
                    guard ftruncate(file, 0) == 0, lseek(file, 0, SEEK_SET) == 0 else { throw systemError("emptied") }
                })
            keep = response.isSuccess
            return response
        }
    }

    private func course(_ request: HTTPRequest, _ cancellation: Cancellation, defaultMaximum: Int64) throws -> Course {
        try request.validate()
        return Course(
            request: request, url: try WebURL(parsing: request.url),
            maximumBytes: request.maximumResponseBytes ?? defaultMaximum,
            cancellation: cancellation, handles: handles, userAgent: userAgent, authorityFile: authorityFile)
    }
}
