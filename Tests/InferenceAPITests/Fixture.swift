import Core
import Database
import Datasets
import Foundation
import Objects
import Pipelines
import Platform
import Projects
import Registry
import Serving
import TestSupport
import Tracking
import Web

@testable import InferenceAPI

/// The routes over real ONNX models that a promotion has let into the server; each model has one version and the alias
/// `champion`.
struct Fixture: Sendable {
    let platform: Platform
    let application: WebApplication

    /// - Parameter models: name, fixture, signature's inputs.
    static func with(
        _ models: [(name: String, file: String, signature: String?)], _ body: (Fixture) async throws -> Void
    ) async throws {
        let migrations =
            ProjectsFeature.migrations + DatasetsFeature.migrations + TrackingFeature.migrations
            + PipelinesFeature.migrations + RegistryFeature.migrations + ServingFeature.migrations
        try await TestPlatform.with(migrations) { platform in
            _ = try await ProjectsFeature.make(platform).service.create(
                name: "fresh", owner: "eve", description: "", goals: [], as: .system)
            let datasets = DatasetsFeature.make(platform).service
            let tracking = TrackingFeature.make(platform).service
            let pipelines = PipelinesFeature.make(platform, datasets: datasets).service
            let registry = RegistryFeature.make(platform, datasets: datasets, tracking: tracking, pipelines: pipelines)
                .service
            var configuration = ServingConfiguration()
            configuration.library = TestPlatform.repository + "/.slipway/lib/libonnxruntime.so"
            let (feature, serving) = ServingFeature.make(
                platform, registry: registry, datasets: datasets, configuration: configuration)
            let experiment = try await tracking.createExperiment(name: "e", project: "fresh", as: .system).id
            for model in models {
                let run = try await tracking.createRun(RunDraft(experiment: experiment), as: .system).info.id
                var card = "flavors:\n  onnx:\n    data: model.onnx\n"
                if let signature = model.signature { card += "signature:\n  inputs: '\(signature)'\n" }
                for (path, bytes) in [("model/MLmodel", Array(card.utf8)), ("model/model.onnx", try onnx(model.file))] {
                    let object = try await platform.objects.put(bytes)
                    try await tracking.setArtifacts(
                        [(try RelativePath(parsing: path), object)], of: .run(run), as: .system)
                }
                _ = try await registry.createModel(model.name, project: "fresh", as: .system)
                _ = try await registry.createVersion(
                    model.name, VersionRequest(source: "runs:/\(run)/model"), as: .system)
                try await registry.setAlias(model.name, "champion", to: 1, as: .system)
            }
            try await body(
                Fixture(
                    platform: platform,
                    application: .testing(
                        feature.routes + InferenceRoutes(serving: serving, version: "1.2.3").routes, platform)))
        }
    }

    private static func onnx(_ name: String) throws -> [UInt8] {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        return Array(try Data(contentsOf: folder.appending(path: "InferenceTests/Fixtures/\(name).onnx")))
    }

    /// The status and the answer as text.
    func send(
        _ method: String, _ target: String, _ body: String = "", type: String? = nil
    ) async throws -> (status: Int, text: String, headers: [String: String]) {
        var headers = [(name: "host", value: "127.0.0.1:5000")]
        if let type { headers.append((name: "content-type", value: type)) }
        let answer = await application.respond(
            method: method, target: target, headers: headers, body: RequestBody(Array(body.utf8)))
        return (
            answer.status, String(decoding: try await answer.collect(), as: UTF8.self),
            Dictionary(answer.headers.map { ($0.name, $0.value) }) { _, b in b }
        )
    }
}
