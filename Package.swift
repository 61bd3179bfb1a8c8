// swift-tools-version: 6.2
import PackageDescription

// Targets are listed from the bottom of the house up; scripts/check-layers keeps imports pointing down.

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let hummingbird = Target.Dependency.product(name: "Hummingbird", package: "hummingbird")
let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let httpTypes = Target.Dependency.product(name: "HTTPTypes", package: "swift-http-types")
let nio = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let serviceLifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let unixSignals = Target.Dependency.product(name: "UnixSignals", package: "swift-service-lifecycle")
let yams = Target.Dependency.product(name: "Yams", package: "Yams")

/// One of our targets.
func house(_ name: String, _ dependencies: Target.Dependency...) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: settings)
}

/// A feature: everything below the features, plus the earlier features that it names.
func feature(_ name: String, _ dependencies: Target.Dependency...) -> Target {
    .target(
        name: name,
        dependencies: ["Core", "Database", "Web", "Ledger", "Access", "Platform", "Objects", "CommandKit", "Client"]
            + [argumentParser, logging] + dependencies,
        swiftSettings: settings)
}

/// The tests of one target.
func tests(_ name: String, _ dependencies: Target.Dependency...) -> Target {
    .testTarget(
        name: name + "Tests", dependencies: [.init(stringLiteral: name)] + dependencies, swiftSettings: settings)
}

/// The tests of one feature: everything that a platform on a temporary folder needs.
func featureTests(_ name: String, _ dependencies: Target.Dependency...) -> Target {
    .testTarget(
        name: name + "Tests",
        dependencies: [
            .init(stringLiteral: name), "Core", "Database", "Web", "Ledger", "Access", "Platform", "Objects",
            "TestSupport",
            "slipway", logging,
        ] + dependencies, swiftSettings: settings)
}

let package = Package(
    name: "slipway",
    platforms: [.macOS(.v15)],
    products: [.executable(name: "slipway", targets: ["slipway"])],
    dependencies: [
        .package(url: "https://github.com/hummingbird-project/hummingbird", exact: "2.28.1", traits: []),
        .package(url: "https://github.com/groue/GRDB.swift", exact: "7.10.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
        .package(url: "https://github.com/apple/swift-http-types", exact: "1.8.0"),
        .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", exact: "2.13.0"),
    ],
    targets: [
        // MARK: C libraries: own headers and module maps
        .systemLibrary(name: "CCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"]), .brew(["openssl"])]),
        .systemLibrary(name: "CPostgres", pkgConfig: "libpq", providers: [.apt(["libpq-dev"]), .brew(["libpq"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
        .target(name: "CDuckDB"),
        .target(name: "COnnxRuntime"),
        // Carries the bundle that `make ui` makes.
        .target(name: "CWebApplication"),

        // MARK: Foundations
        house("Core", "CCrypto"),
        house("Archives", "Core", "CZlib"),
        house("Processes", "Core", logging),
        house("Transport", "Core", "CCurl", logging),
        house("Database", "Core", "CPostgres", grdb, logging),
        house("Web", "Core", hummingbird, httpTypes, nio, serviceLifecycle, unixSignals, logging),
        house("CommandKit", "Core", argumentParser, yams),
        house("Client", "Core", "Transport", "CommandKit", argumentParser),
        house("Objects", "Core", "Transport", "Database", logging),
        house("Tables", "Core", "Processes", "CDuckDB", logging),
        house("Inference", "Core", "Processes", "COnnxRuntime", logging),
        house("Executors", "Core", "Processes", logging),
        house("Ledger", "Core", "Database", "Web", "CommandKit", "Client", argumentParser, logging),
        house("Access", "Core", "Database", "Ledger", "Web", "CommandKit", "Client", argumentParser, logging),
        house(
            "Platform", "Core", "Database", "Web", "Ledger", "Access", "Objects", "Tables", "Inference", "Executors",
            "Transport", logging),

        // MARK: Features, in the order of the lifecycle
        feature("Projects"),
        feature("Datasets", "Projects", "Tables", "Transport", "Archives", yams),
        feature("Labels", "Projects", "Datasets", "Tables", "Archives"),
        feature("Tracking", "Projects", "Datasets"),
        feature("Traces", "Projects", "Datasets", "Tracking"),
        feature("Pipelines", "Projects", "Datasets", "Tracking", "Executors", yams),
        feature("Registry", "Projects", "Datasets", "Tracking", "Pipelines", yams),
        feature(
            "Serving", "Projects", "Datasets", "Labels", "Tracking", "Pipelines", "Registry", "Inference", "Tables",
            "Executors", "Transport"),
        feature("Monitoring", "Projects", "Datasets", "Tracking", "Pipelines", "Registry", "Serving", "Tables"),

        feature("Webhooks", "Projects", "Datasets", "Registry", "Transport"),

        // MARK: Foreign wires
        feature("MLflowAPI", "Archives", "Projects", "Tracking", "Traces", "Registry", "Webhooks"),
        feature("InferenceAPI", "Serving", "Inference"),
        feature("Exchange", "Tracking", "Registry", "Transport"),
        feature("Reporting", "Projects", "Datasets", "Tracking", "Tables"),

        // MARK: The web application
        feature("Pages", "CWebApplication"),

        // MARK: The program
        house(
            "Server", "Core", "Database", "Web", "Ledger", "Access", "Platform", "Objects", "Tables", "Inference",
            "Executors",
            "Transport", "CommandKit", "Client", "Projects", "Datasets", "Labels", "Tracking", "Traces", "Pipelines",
            "Registry", "Serving",
            "Monitoring", "Webhooks", "MLflowAPI", "InferenceAPI", "Exchange", "Reporting", "Pages",
            argumentParser, logging),
        .executableTarget(
            name: "slipway",
            dependencies: [
                "Core", "Server", "CommandKit", "Client", "Access", "Ledger", "Objects", "Tables", "Inference",
                "Projects",
                "Datasets", "Labels", "Tracking", "Traces", "Pipelines", "Registry", "Serving", "Monitoring",
                "Exchange", "Reporting", "Webhooks", "Processes",
                argumentParser,
                logging,
            ], swiftSettings: settings),

        // MARK: Tests
        .target(
            name: "TestSupport",
            dependencies: [
                "Core", "Database", "Ledger", "Access", "Platform", "Objects", "Tables", "Executors", "Transport",
                "Web",
                logging,
            ], path: "Tests/TestSupport", swiftSettings: settings),
        tests("Core"),
        tests("Archives", "Core"),
        tests("Processes", "Core", logging),
        tests("Transport", "Core"),
        tests("Database", "Core", "TestSupport"),
        tests("Web", "Core", "TestSupport", logging),
        tests("Objects", "Core", "Transport", "Database", "TestSupport"),
        tests("Tables", "Core", "Processes", "slipway"),
        .testTarget(
            name: "InferenceTests", dependencies: ["Inference", "Core", "Processes", "slipway", logging],
            exclude: ["Fixtures"],
            swiftSettings: settings),
        tests("Executors", "Core", "Processes"),
        tests("Ledger", "Access", "Core", "Database", "Web", "TestSupport", logging),
        featureTests(
            "Access", "Projects", "Datasets", "Labels", "Tracking", "Traces", "Pipelines", "Registry", "Webhooks",
            "Exchange", "Reporting", "Pages"),
        featureTests("Projects"),
        featureTests("Datasets", "Projects", "Tables", "Transport"),
        featureTests("Labels", "Projects", "Datasets", "Tables"),
        featureTests("Tracking", "Projects", "Datasets"),
        featureTests("Traces", "Projects", "Datasets", "Tracking"),
        featureTests("Pipelines", "Projects", "Datasets", "Executors"),
        featureTests("Registry", "Projects", "Datasets", "Tracking", "Pipelines"),
        featureTests("Serving", "Projects", "Datasets", "Labels", "Tracking", "Pipelines", "Registry", "Inference"),
        featureTests(
            "Monitoring", "Projects", "Datasets", "Tracking", "Pipelines", "Registry", "Serving", "Tables"),
        featureTests("Reporting", "Projects", "Datasets", "Tracking", "Pipelines", "Registry", "Tables"),
        featureTests("Webhooks", "Projects", "Datasets", "Tracking", "Pipelines", "Registry", "Transport"),
        featureTests(
            "MLflowAPI", "Projects", "Datasets", "Tracking", "Traces", "Pipelines", "Registry", "Webhooks"),
        featureTests("Pages"),
        featureTests(
            "InferenceAPI", "Projects", "Datasets", "Tracking", "Pipelines", "Registry", "Serving", "Inference"),
    ]
)
