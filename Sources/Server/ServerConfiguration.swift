import Core
import Serving

/// What `slipway serve` is told.
public struct ServerConfiguration: Sendable {
    public var host = "127.0.0.1"
    public var port = 5000
    /// The folder for everything that is not elsewhere.
    public var data = "slipway-data"
    /// nil: SQLite in the data folder.
    public var database: String?
    /// nil: a folder in the data folder.
    public var objects: String?
    /// Requests need a token even from this machine.
    public var requireToken = false
    /// Names besides the loopback ones that requests may carry in `Host`.
    public var allowedHosts: [String] = []
    /// The folders that file sources may read; each absolute, links resolved.
    public var sourceRoots: [String] = []
    /// The Python environments that steps may name; `default` is for steps that name none, and for Python models.
    public var pythonEnvironments: [String: String] = [:]
    /// The hosts that sources may reach, as `HostList` takes them; empty for any.
    public var sourceHosts: [String] = []
    /// Whether sources may reach private and loopback addresses.
    public var allowPrivateSources = false
    public var serving = ServingConfiguration()
    /// The folder with the pack of the web application; nil for the one that the program carries.
    public var ui: String?
    /// The folder of MLflow's own web page, to serve it at `/`; nil serves none.
    public var mlflowUI: String?
    public var tableWorkers = 3
    public var tableMemoryBytes: Int64 = 2 << 30

    public init() {}

    var isLoopback: Bool { ["127.0.0.1", "localhost", "::1"].contains(host) }

    /// - Throws: `invalid` for combinations that would be unsafe.
    func validate() throws {
        guard (0...65_535).contains(port) else {
            throw SlipwayError.field("port", "is \(port)", expected: "0 to 65535")
        }
        guard isLoopback || requireToken else {
            throw SlipwayError(
                .invalid,
                "Listening on \(host) without authentication is refused. Add --require-token (the token of the first start is in the data folder), or listen on 127.0.0.1."
            )
        }
    }
}
