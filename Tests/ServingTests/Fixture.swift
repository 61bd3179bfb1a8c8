import Core
import Database
import Datasets
import Foundation
import Inference
import Ledger
import Logging
import Objects
import Pipelines
import Platform
import Projects
import Registry
import TestSupport
import Tracking
import Web

@testable import Serving

/// A registry with real ONNX models and the serving over it, in the project `fresh`.
struct Fixture: Sendable {
    let platform: Platform
    let tracking: TrackingService
    let registry: RegistryService
    let serving: ServingService
    let feature: Feature
    let experiment: String

    static let maker = Principal(name: "ada", role: nil, grants: ["fresh": .dataScientist])
    static let engineer = Principal(name: "bob", role: nil, grants: ["fresh": .mlEngineer])
    static let viewer = Principal(name: "guest", role: nil, grants: ["fresh": .viewer])
    static let stranger = Principal(name: "stranger", role: nil, grants: ["other": .owner])

    static func each(
        configuration: ServingConfiguration = Self.configuration, _ body: (Fixture) async throws -> Void
    ) async throws {
        let migrations =
            ProjectsFeature.migrations + DatasetsFeature.migrations + TrackingFeature.migrations
            + PipelinesFeature.migrations + RegistryFeature.migrations + ServingFeature.migrations
        try await TestPlatform.each(migrations) { platform in
            let projects = ProjectsFeature.make(platform).service
            for name in ["fresh", "other"] {
                _ = try await projects.create(name: name, owner: "eve", description: "", goals: [], as: .system)
            }
            let datasets = DatasetsFeature.make(platform).service
            let tracking = TrackingFeature.make(platform).service
            let pipelines = PipelinesFeature.make(platform, datasets: datasets).service
            let registry = RegistryFeature.make(platform, datasets: datasets, tracking: tracking, pipelines: pipelines)
                .service
            let (feature, serving) = ServingFeature.make(
                platform, registry: registry, datasets: datasets, configuration: configuration)
            let experiment = try await tracking.createExperiment(name: "restock", project: "fresh", as: maker)
            _ = try await registry.createModel("restock", project: "fresh", as: maker)
            try await body(
                Fixture(
                    platform: platform, tracking: tracking, registry: registry, serving: serving, feature: feature,
                    experiment: experiment.id))
            // What is loaded and what is not written yet belong to this world.
            await serving.log.drain()
            serving.live.clear()
        }
    }

    static var configuration: ServingConfiguration {
        var configuration = ServingConfiguration()
        configuration.library = TestPlatform.repository + "/.slipway/lib/libonnxruntime.so"
        configuration.executable = TestPlatform.binary
        return configuration
    }

    // MARK: Models

    static func onnx(_ name: String) throws -> [UInt8] {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        return Array(try Data(contentsOf: folder.appending(path: "InferenceTests/Fixtures/\(name).onnx")))
    }

    /// y = factor * x + 1: the fixture with its factor 2 replaced.
    static func affine(_ factor: Float) throws -> [UInt8] {
        func bytes(_ value: Float) -> [UInt8] { withUnsafeBytes(of: value.bitPattern.littleEndian) { Array($0) } }
        var model = try onnx("affine")
        let found = model.indices.filter { model[$0...].starts(with: bytes(2)) }
        guard let at = found.first, found.count == 1 else { throw SlipwayError(.internal, "the fixture has changed") }
        model.replaceSubrange(at..<at + 4, with: bytes(factor))
        return model
    }

    /// Registers a version with these bytes as its model.
    @discardableResult
    func register(
        _ model: [UInt8], signature: String? = nil, name: String = "restock", as principal: Principal = Self.maker
    ) async throws -> ModelVersion {
        let run = try await tracking.createRun(RunDraft(experiment: experiment), as: principal).info.id
        var card = "flavors:\n  onnx:\n    data: model.onnx\n"
        if let signature { card += "signature:\n  inputs: '\(signature)'\n" }
        for (path, bytes) in [("model/MLmodel", Array(card.utf8)), ("model/model.onnx", model)] {
            let object = try await platform.objects.put(bytes)
            try await tracking.setArtifacts([(try RelativePath(parsing: path), object)], of: .run(run), as: principal)
        }
        return try await registry.createVersion(name, VersionRequest(source: "runs:/\(run)/model"), as: principal)
    }

    func champion(_ version: Int) async throws {
        try await registry.setAlias("restock", "champion", to: version, as: Self.engineer)
    }

    /// The endpoint `shop` on the champion.
    @discardableResult
    func shop(_ change: (inout EndpointRequest) -> Void = { _ in }) async throws -> Endpoint {
        var request = try EndpointRequest(model: Ref(.model, "restock", selector: "champion"), project: "fresh")
        change(&request)
        return try await serving.put("shop", request, as: Self.engineer)
    }

    func ask(
        _ name: String = "shop", _ x: [Float] = [1], time: Timestamp? = nil, as principal: Principal = Self.engineer
    ) async throws -> InferenceAnswer {
        var call = InferenceCall(
            name: name, inputs: [Tensor(name: "x", shape: [x.count], values: .fp32(x))], requestID: "r")
        call.time = time
        return try await serving.infer(call, as: principal)
    }

    func events(_ type: String) async throws -> [Event] {
        try await platform.ledger.events(after: 0, .init(type: type), limit: 1000)
    }

    /// Runs `body` while the switching follows the ledger.
    func following(_ body: () async throws -> Void) async throws {
        let follow = Task { await platform.ledger.follow(serving.versionSwitching, logger: platform.logger) }
        // A subscription that is new begins at the end of the ledger: wait until it has its place.
        try await Self.until("the subscription has begun") {
            try await platform.database.read { db in
                try db.exists("SELECT 1 FROM ledger_cursor WHERE name = 'serving.switch'")
            }
        }
        do { try await body() } catch {
            follow.cancel()
            await follow.value
            throw error
        }
        follow.cancel()
        await follow.value
    }

    static func until(_ what: String, _ condition: () async throws -> Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(30)
        while try await !condition() {
            guard ContinuousClock.now < deadline else {
                throw SlipwayError(.deadlineExceeded, "not within 30 s: \(what)")
            }
            try await Task.sleep(for: .milliseconds(5))
        }
    }
}

/// The code of the error that `body` throws; nil when it throws none.
func code(_ body: () async throws -> Void) async -> ErrorCode? {
    do {
        try await body()
        return nil
    } catch { return (error as? SlipwayError)?.code ?? .internal }
}
