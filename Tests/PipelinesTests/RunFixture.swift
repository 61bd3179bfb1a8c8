import Access
import Core
import Database
import Foundation
import Ledger
import Logging
import Platform
import Projects
import Synchronization
import Tables
import TestSupport
import Testing
import Tracking
import Web

@testable import Datasets
@testable import Pipelines

/// Pipelines on a whole platform, with real sandboxes, in the project `p`.
struct RunFixture: Sendable {
    let platform: Platform
    let datasets: DatasetsService
    let service: PipelinesService
    let triggers: PipelineTriggers
    let application: WebApplication
    private let feature: Feature

    static let maker = Principal(name: "mia", role: nil, grants: ["p": .dataScientist])

    /// Runs `body` with a server's background work beside it.
    static func with(
        dialect: Dialect = .sqlite, clock: Clock = .system, isWorking: Bool = true,
        _ body: (RunFixture) async throws -> Void
    ) async throws {
        let migrations =
            ProjectsFeature.migrations + DatasetsFeature.migrations + TrackingFeature.migrations
            + PipelinesFeature.migrations
        try await TestPlatform.with(migrations, dialect: dialect, clock: clock) { platform in
            _ = try await ProjectsFeature.make(platform).service.create(
                name: "p", owner: nil, description: "", goals: [], as: .system)
            let fixture = make(platform)
            try await fixture.feature.recover()
            if isWorking { try await fixture.working { try await body(fixture) } } else { try await body(fixture) }
        }
    }

    /// The feature made anew on the same database and folder, as a server does that starts again.
    static func make(_ platform: Platform) -> RunFixture {
        let datasets = DatasetsFeature.make(platform)
        let (feature, service) = PipelinesFeature.make(platform, datasets: datasets.service)
        return RunFixture(
            platform: platform, datasets: datasets.service, service: service,
            triggers: PipelineTriggers(service: service),
            application: .testing(feature.routes + datasets.feature.routes, platform), feature: feature)
    }

    func recover() async throws { try await feature.recover() }

    /// A server's work for as long as `body` takes.
    func working(_ body: () async throws -> Void) async throws {
        let tasks =
            feature.background.map { work in Task { try? await work.run() } }
            + feature.subscriptions.map { subscription in
                Task { await platform.ledger.follow(subscription, logger: platform.logger) }
            }
        func stop() async {
            for task in tasks { task.cancel() }
            for task in tasks { await task.value }
        }
        do { try await body() } catch {
            await stop()
            throw error
        }
        await stop()
    }

    @discardableResult
    func put(_ yaml: String) async throws -> PipelineVersion {
        try await service.put(PipelineDefinition(yaml: yaml), project: "p", as: Self.maker)
    }

    /// Starts a run and waits for its end.
    func run(_ name: String, _ params: [String: JSONValue] = [:], usesCache: Bool = true) async throws -> (
        run: PipelineRun, steps: [StepRun]
    ) {
        let run = try await service.trigger(name, params: params, usesCache: usesCache, as: Self.maker)
        return try await service.wait(for: run.id, timeoutSeconds: 60, as: Self.maker)
    }

    /// "a succeeded 1, b failed 2": each step's state and number of attempts.
    static func states(_ steps: [StepRun]) -> String {
        steps.map { "\($0.step) \($0.state.rawValue) \($0.attempt)" }.joined(separator: ", ")
    }

    func log(_ run: PipelineRun, _ step: String) async throws -> String {
        let answer = await application.respond(
            method: "GET", target: "/api/v1/pipeline-runs/\(run.id)/steps/\(step)/log",
            headers: [("host", "localhost")],
            body: RequestBody())
        return String(decoding: try await answer.collect(), as: UTF8.self)
    }

    /// Waits until a step prints something, or is in a state.
    func until(_ run: PipelineRun, _ step: String, _ condition: (StepRun, String) -> Bool) async throws {
        for _ in 0..<400 {
            let (_, steps) = try await service.run(run.id, as: Self.maker)
            if let found = steps.first(where: { $0.step == step }), condition(found, try await log(run, step)) {
                return
            }
            try await Task.sleep(for: .milliseconds(50))
        }
        Issue.record("the step \(step) never came so far")
    }

    func append(_ dataset: String, _ csv: String) async throws -> DatasetVersion {
        try await datasets.append(
            dataset, project: "p", body: RequestBody(Array(csv.utf8)), format: .csv, encoding: .utf8, key: nil,
            origin: nil,
            message: "", as: Self.maker
        ).version
    }

    /// Whether any process of this machine was started with these words.
    static func isRunning(_ words: String) -> Bool {
        let folders = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return folders.contains { folder in
            guard Int(folder) != nil, let line = FileManager.default.contents(atPath: "/proc/\(folder)/cmdline") else {
                return false
            }
            return String(decoding: line.map { $0 == 0 ? 32 : $0 }, as: UTF8.self).contains(words)
        }
    }
}
