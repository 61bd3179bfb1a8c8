import Access
import Core
import Database
import Executors
import Inference
import Ledger
import Logging
import Objects
import Tables
import Transport
import Web

/// What the features stand on, in one value.
public struct Platform: Sendable {
    public let database: Database
    public let ledger: Ledger
    public let access: AccessService
    public let objects: ObjectStore
    public let tables: Tables
    public let http: HTTPClient
    /// Where jobs can run, by name.
    public let executors: [String: any Executor]
    public let prometheus: Prometheus
    public let clock: Clock
    public let logger: Logger
    /// The folder for what is neither in the database nor an object: work folders, caches, logs.
    public let dataDirectory: String
    public let sources: SourcePolicy
    /// The Python environments that steps may name, by name, as paths; `default` is for steps that name none.
    public let pythonEnvironments: [String: String]
    /// How a pipeline step reaches this server, `http://127.0.0.1:5000`.
    public let localURL: String

    public init(
        database: Database, ledger: Ledger, access: AccessService, objects: ObjectStore, tables: Tables,
        http: HTTPClient,
        executors: [String: any Executor], prometheus: Prometheus, clock: Clock, logger: Logger, dataDirectory: String,
        sources: SourcePolicy, pythonEnvironments: [String: String], localURL: String
    ) {
        self.database = database
        self.ledger = ledger
        self.access = access
        self.objects = objects
        self.tables = tables
        self.http = http
        self.executors = executors
        self.prometheus = prometheus
        self.clock = clock
        self.logger = logger
        self.dataDirectory = dataDirectory
        self.sources = sources
        self.pythonEnvironments = pythonEnvironments
        self.localURL = localURL
    }
}

/// What data sources may make the server read.
public struct SourcePolicy: Sendable {
    /// The folders whose files may be read.
    public let roots: [String]
    /// Whether private and loopback addresses may be reached.
    public let allowsPrivateAddresses: Bool
    /// The hosts that may be reached; nil for any that the addresses allow.
    public let hosts: HostList?

    public init(roots: [String], allowsPrivateAddresses: Bool, hosts: HostList? = nil) {
        self.roots = roots
        self.allowsPrivateAddresses = allowsPrivateAddresses
        self.hosts = hosts
    }
}

/// All that a feature registers; `Server` holds the one list of them.
public struct Feature: Sendable {
    public let name: String
    public var routes: [Route] = []
    public var subscriptions: [Subscription] = []
    /// Work that goes on while the server runs.
    public var background: [Background] = []
    /// Run once before the server answers: resume or close what an earlier process left.
    public var recover: @Sendable () async throws -> Void = {}
    public var lineage: [LineageSource] = []
    /// What it shows to `slipway sql`.
    public var tables: [SQLTable] = []

    public init(name: String) { self.name = name }
}

/// Finishes what was begun, also when the task that waits for it is cancelled meanwhile: what a server that is told to
/// stop still owes.
public func finishing<T: Sendable>(_ body: @escaping @Sendable () async -> T) async -> T {
    await Task { await body() }.value
}

/// Work that runs until it is cancelled.
public struct Background: Sendable {
    public let name: String
    public let run: @Sendable () async throws -> Void

    public init(_ name: String, run: @escaping @Sendable () async throws -> Void) {
        self.name = name
        self.run = run
    }
}
