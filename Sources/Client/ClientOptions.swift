import ArgumentParser
import CommandKit
import Core

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Which server a command talks to, and as whom.
public struct ClientOptions: ParsableArguments {
    @Option(name: .long, help: "The server (default: SLIPWAY_URL, else http://127.0.0.1:5000).") public var url: String?
    @Option(name: .long, help: "The project (default: SLIPWAY_PROJECT, else 'default').") public var project: String?

    public init() {}

    /// The token comes from SLIPWAY_TOKEN, never from an argument that others could read.
    public func client() -> APIClient {
        let token = Self.environment("SLIPWAY_TOKEN").map { Secret($0) }
        return APIClient(url: url ?? Self.environment("SLIPWAY_URL") ?? "http://127.0.0.1:5000", token: token)
    }

    public var projectName: String { project ?? Self.environment("SLIPWAY_PROJECT") ?? "default" }

    /// A variable that is set and not empty.
    public static func environment(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
    }
}
