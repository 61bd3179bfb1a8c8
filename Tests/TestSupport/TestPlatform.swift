import Access
import Core
import Database
import Executors
import Foundation
import Ledger
import Logging
import Objects
import Platform
import Tables
import Transport
import Web

/// A whole platform on a temporary folder: real SQLite or PostgreSQL, real objects, real table workers (the built
/// `slipway` binary beside the tests), real sandboxes.
public enum TestPlatform {
    /// - Parameter migrations: of the features under test; the foundations' own are there already.
    public static func with(
        _ migrations: [Migration] = [], dialect: Dialect = .sqlite, clock: Clock = .system,
        _ body: (Platform) async throws -> Void
    ) async throws {
        let all = Ledger.migrations + AccessService.migrations + ObjectsSchema.migrations + migrations
        try await TestDatabase.with(dialect, all) { database in
            try await TemporaryFolder.with { folder in
                let http = HTTPClient()
                let ledger = Ledger(database: database, clock: clock)
                let access = AccessService(ledger: ledger, openToLocalUse: true, clock: clock)
                _ = try await access.bootstrap()
                let tables = Tables(
                    TablesConfiguration(
                        library: repository + "/.slipway/lib/libduckdb.so", executable: binary, workers: 1,
                        memoryBytes: 512 << 20, temporaryDirectory: folder + "/tmp/tables"))
                let process = try ProcessExecutor(.init(runtimeFolder: folder + "/tmp/jobs", protectedPaths: [folder]))
                var logger = Logger(label: "test")
                logger.logLevel = .critical
                let platform = Platform(
                    database: database, ledger: ledger, access: access,
                    objects: try await ObjectStore.open(
                        folder + "/objects", temporaryFolder: folder + "/tmp", environment: [:], http: http),
                    tables: tables, http: http, executors: [process.name: process], prometheus: Prometheus(),
                    clock: clock,
                    logger: logger, dataDirectory: folder,
                    sources: SourcePolicy(roots: [folder], allowsPrivateAddresses: true),
                    pythonEnvironments: ["default": repository + "/.slipway/venv"], localURL: "http://127.0.0.1:9")
                do { try await body(platform) } catch {
                    await tables.shutdown()
                    throw error
                }
                await tables.shutdown()
            }
        }
    }

    /// Runs `body` on each database that can be tested here.
    public static func each(_ migrations: [Migration] = [], _ body: (Platform) async throws -> Void) async throws {
        for dialect in TestDatabase.dialects { try await with(migrations, dialect: dialect, body) }
    }

    /// The repository's folder: tests run from it.
    public static var repository: String { FileManager.default.currentDirectoryPath }

    /// The built program, beside the test bundle.
    public static var binary: String {
        ProcessInfo.processInfo.environment["SLIPWAY_BINARY"] ?? repository + "/.build/debug/slipway"
    }
}

extension WebApplication {
    /// An application over some routes, for tests without sockets.
    public static func testing(_ routes: [Route], _ platform: Platform) -> WebApplication {
        let access = platform.access
        return WebApplication(
            routes: routes, authenticator: { try await access.authenticate($0) },
            configuration: WebConfiguration(host: "127.0.0.1", port: 5000), prometheus: platform.prometheus,
            logger: platform.logger)
    }

    /// One request; the answer's body as JSON (null when it is empty, text when it is not JSON).
    public func ask(
        _ method: String, _ target: String, _ body: JSONValue? = nil, headers: [(name: String, value: String)] = []
    ) async throws -> (status: Int, json: JSONValue) {
        let answer = await respond(
            method: method, target: target, headers: [("host", "127.0.0.1:5000")] + headers,
            body: RequestBody(body?.canonicalBytes ?? []))
        let bytes = try await answer.collect()
        return (
            answer.status,
            bytes.isEmpty ? .null : (try? JSONValue(parsing: bytes)) ?? .string(String(decoding: bytes, as: UTF8.self))
        )
    }
}

extension Response {
    /// The whole body, streamed or not.
    public func collect() async throws -> [UInt8] {
        switch body {
        case .bytes(let bytes): return bytes
        case .stream(_, let write):
            let sink = Sink()
            try await write(ResponseWriter { await sink.add($0) })
            return await sink.bytes
        }
    }

    private actor Sink {
        var bytes: [UInt8] = []
        func add(_ more: [UInt8]) { bytes += more }
    }
}
