import Access
import CommandKit
import Core
import Database
import Executors
import Ledger
import Logging
import Objects
import Platform
import Tables
import Transport
import Web

/// Starts and stops everything in order.
public enum Server {
    public static let version = "0.1.0"

    /// Serves until SIGTERM or SIGINT; then lets requests end, stops the background work, and closes the database.
    public static func run(_ configuration: ServerConfiguration, logger: Logger) async throws {
        try configuration.validate()
        let folder = try DataFolder(configuration.data)
        defer { folder.release() }
        let world = try await World.open(configuration, folder: folder, logger: logger)
        do {
            try await serve(world, configuration, logger)
        } catch {
            await world.close()
            throw error
        }
        await world.close()
        logger.info("Stopped.")
    }

    private static func serve(_ world: World, _ configuration: ServerConfiguration, _ logger: Logger) async throws {
        for subscription in world.features.flatMap(\.subscriptions) {
            for feature in world.features { try await feature.recover() }
            try await world.platform.ledger.begin(subscription)
        }
        // Everything that runs beside the web server ends with it.
        try await withThrowingTaskGroup(of: Void.self) { group in
            for feature in world.features {
                for background in feature.background {
                    group.addTask {
                        do { try await background.run() } catch is CancellationError {} catch {
                            logger.error(
                                "The background work '\(background.name)' ended.", metadata: ["cause": "\(error)"])
                        }
                    }
                }
                for subscription in feature.subscriptions {
                    group.addTask { await world.platform.ledger.follow(subscription, logger: logger) }
                }
            }
            let web = world.application
            try await web.serve { port in
                logger.info(
                    "Slipway \(version) serves http://\(configuration.host):\(port)",
                    metadata: [
                        "data": "\(world.platform.dataDirectory)",
                        "database": "\(world.platform.database.dialect.rawValue)",
                    ])
            }
            group.cancelAll()
        }
    }
}

/// The platform, the features on it, and the web application over them.
struct World: Sendable {
    let platform: Platform
    let features: [Feature]
    let application: WebApplication

    static func open(_ configuration: ServerConfiguration, folder: DataFolder, logger: Logger) async throws -> World {
        let database = try await Database.open(configuration.database ?? "sqlite://\(folder.path)/slipway.db")
        try await database.migrate(Features.migrations)
        let ledger = Ledger(database: database)
        let access = AccessService(
            ledger: ledger, openToLocalUse: configuration.isLoopback && !configuration.requireToken)
        if let token = try await access.bootstrap() {
            try folder.writeSecret(token, to: "admin.token")
            logger.info("First start: the admin's token is in \(folder.path)/admin.token.")
        }
        let http = HTTPClient()
        let objects = try await ObjectStore.open(
            configuration.objects ?? folder.path + "/objects", temporaryFolder: folder.path + "/tmp/objects",
            environment: ProcessEnvironment.all, http: http)
        let tables = Tables(
            TablesConfiguration(
                workers: configuration.tableWorkers, memoryBytes: configuration.tableMemoryBytes,
                temporaryDirectory: folder.path + "/tmp/tables"))
        if let problem = tables.availability { logger.warning("Tables are not available: \(problem)") }
        let prometheus = Prometheus()
        prometheus.collect(ServerRoutes.processGauges)
        let host = configuration.isLoopback ? configuration.host : "127.0.0.1"
        let process = try ProcessExecutor(
            .init(runtimeFolder: folder.path + "/tmp/jobs", protectedPaths: [folder.path]))
        let platform = Platform(
            database: database, ledger: ledger, access: access, objects: objects, tables: tables, http: http,
            executors: [process.name: process], prometheus: prometheus, clock: .system, logger: logger,
            dataDirectory: folder.path,
            sources: SourcePolicy(
                roots: configuration.sourceRoots, allowsPrivateAddresses: configuration.allowPrivateSources,
                hosts: try configuration.sourceHosts.isEmpty
                    ? nil : HostList(parsing: configuration.sourceHosts, field: "allow-source-host")),
            pythonEnvironments: configuration.pythonEnvironments, localURL: "http://\(host):\(configuration.port)")
        let features = try Features.make(platform, configuration: configuration)
        let web = WebConfiguration(
            host: configuration.host, port: configuration.port,
            allowedHosts: configuration.requireToken && configuration.allowedHosts.isEmpty
                ? nil : Set(configuration.allowedHosts))
        var routes = features.flatMap(\.routes) + AccessRoutes(access).routes
        routes += LedgerRoutes(ledger, lineageSources: features.flatMap(\.lineage)).routes
        routes += SessionRoutes(access, cookie: web.cookie, version: Server.version).routes(with: routes)
        routes += ServerRoutes(platform: platform).routes(with: routes)
        let application = WebApplication(
            routes: routes, authenticator: { try await access.authenticate($0) }, configuration: web,
            prometheus: prometheus, logger: logger)
        return World(platform: platform, features: features, application: application)
    }

    func close() async {
        await platform.tables.shutdown()
        await platform.database.close()
    }
}
