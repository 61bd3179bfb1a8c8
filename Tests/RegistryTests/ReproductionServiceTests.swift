import Core
import Database
import Ledger
import Logging
import Objects
import Pipelines
import Platform
import Testing

@testable import Registry

@Suite struct ReproductionServiceTests {
    /// One step that makes a model of its input, a parameter, and `extra`.
    private static func yaml(_ name: String, extra: String = "") -> String {
        """
        name: \(name)
        params:
          depth: 3
        steps:
          - name: train
            run: ["sh", "-c", "{ cat $SLIPWAY_INPUT_BASE/model.onnx; echo $SLIPWAY_PARAM_DEPTH; \(extra) } > $SLIPWAY_OUTPUT_MODEL/model.onnx"]
            inputs:
              base: model:base@champion
            outputs:
              model: model:\(name)
            params: [depth]
        """
    }

    /// A model `base` with a champion, and a pipeline that has run once.
    private func run(_ f: Fixture, _ yaml: String) async throws -> ModelVersion {
        _ = try await f.registry.createModel("base", project: "fresh", as: Fixture.ada)
        try await f.champion("first")
        let pipeline = try await f.pipelines.put(try PipelineDefinition(yaml: yaml), project: "fresh", as: Fixture.ada)
        let run = try await f.pipelines.trigger(pipeline.pipeline, params: ["depth": 5], as: Fixture.ada)
        let ended = try await f.pipelines.wait(for: run.id, timeoutSeconds: 60, as: Fixture.ada)
        try #require(
            ended.run.state == .succeeded, "\(ended.run.problem ?? "") \(ended.steps.map { $0.problem ?? "" })")
        return try await f.eventually { try await f.registry.version(pipeline.pipeline, 1, as: Fixture.guest) }
    }

    private func reproduce(_ f: Fixture, _ version: ModelVersion, keeps: Bool = false) async throws
        -> ReproductionRecord
    {
        let service = ReproductionService(f.registry)
        let started = try await service.start(version.ref, keeps: keeps, as: Fixture.bob)
        return try await f.eventually {
            let record = try await service.reproduction(started.id, as: Fixture.guest)
            return record.state == .running ? nil : record
        }
    }

    @Test func `a step's model is registered with its recipe, and reproduces from what it read then`() async throws {
        try await Fixture.each { f in
            try await f.working {
                let version = try await run(f, Self.yaml("copy"))
                let recipe = version.recipe
                #expect([version.owner, version.project] == ["pipeline-fresh", "fresh"])
                #expect([recipe.pipeline?.description, recipe.step] == ["pipeline:copy@1", "train"])
                #expect(recipe.inputs.map(\.name) == ["model:base@1"])
                #expect(recipe.params == ["depth": "5"])
                #expect(try await f.registry.onnxEntry(of: version).object.digest == Digest.of("first\n5\n"))
                let edges = try await f.platform.ledger.lineage(of: version.ref, .upstream, depth: 1)
                #expect(edges.contains { $0.source == Ref(.model, "base", version: 1) })
                // A later champion is not what the recorded run read.
                try await f.champion("second")
                let record = try await reproduce(f, version)
                #expect(
                    [record.state.rawValue, record.result?["verdict"]?.stringValue, record.problem] == [
                        "finished", "equal", nil,
                    ])
                // The rerun's own version is gone.
                #expect(
                    try await f.registry.versions(of: "copy", PageRequest(), as: Fixture.guest).items.map(\.version)
                        == [1])
                #expect(
                    try await f.events(of: "copy").suffix(4) == [
                        "model.reproduction.started", "model.version.created", "model.reproduced",
                        "model.version.deleted",
                    ])
                // The same event again makes nothing.
                let produced = try await f.platform.ledger.events(
                    after: 0, .init(type: "pipeline.model.produced"), limit: 10)
                #expect(produced.count == 2)
                for event in produced { try await f.registry.register(produced: event) }
                #expect(
                    try await f.registry.versions(of: "copy", PageRequest(), as: Fixture.guest).items.map(\.version)
                        == [1])
            }
        }
    }

    @Test func `a model with chance in it differs, and a broken rerun says so`() async throws {
        try await Fixture.each { f in
            try await f.working {
                let version = try await run(f, Self.yaml("chance", extra: "head -c 16 /dev/urandom;"))
                let record = try await reproduce(f, version, keeps: true)
                #expect([record.state.rawValue, record.result?["verdict"]?.stringValue] == ["finished", "differs"])
                #expect(record.result?["firstDifference"]?["name"] == "model.onnx")
                #expect(
                    try await f.registry.versions(of: "chance", PageRequest(), as: Fixture.guest).items.map(\.version)
                        == [2, 1])
                // The input is gone, so the rerun fails.
                try await f.registry.deleteModel("base", as: Fixture.ada)
                let broken = try await reproduce(f, version)
                #expect(broken.state == .failed && broken.problem != nil)
                #expect(
                    try await ReproductionService(f.registry).reproductions(of: version).map(\.state) == [
                        .failed, .finished,
                    ])
            }
        }
    }

    @Test func `a model that no pipeline made cannot be rerun`() async throws {
        try await Fixture.each { f in
            let version = try await f.restock()[0]
            let service = ReproductionService(f.registry)
            // Its run claims a pipeline run that does not exist.
            #expect(await code { _ = try await service.start(version.ref, as: Fixture.bob) } == .notFound)
            _ = try await f.registry.createVersion("restock", VersionRequest(source: "s3://elsewhere"), as: Fixture.ada)
            #expect(
                await code { _ = try await service.start(Ref(.model, "restock", version: 2), as: Fixture.bob) }
                    == .unsupported)
            #expect(await code { _ = try await service.start(version.ref, tolerance: -1, as: Fixture.bob) } == .invalid)
        }
    }
}

extension Fixture {
    /// Registers a version of `base` with one file and makes it champion.
    func champion(_ text: String) async throws {
        let run = try await run(files: ["m/model.onnx": text + "\n"])
        let version = try await registry.createVersion("base", VersionRequest(source: "runs:/\(run)/m"), as: Self.ada)
        try await registry.setAlias("base", "champion", to: version.version, as: Self.ada)
    }

    /// Runs what the features do in the background while `body` runs.
    func working(_ body: @escaping () async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            let logger = platform.logger
            for feature in features {
                for subscription in feature.subscriptions {
                    group.addTask { await platform.ledger.follow(subscription, logger: logger) }
                }
                for background in feature.background {
                    group.addTask { try? await background.run() }
                }
            }
            // Subscriptions begin at the end of the ledger, so they have to have begun.
            try await eventually {
                try await platform.database.read { db in
                    try db.one("SELECT count(*) FROM ledger_cursor") { try $0.int(0) }.flatMap { $0 >= 2 ? $0 : nil }
                }
            }
            defer { group.cancelAll() }
            try await body()
        }
    }

    /// Asks until the answer is there; a missing thing is no answer.
    @discardableResult
    func eventually<T>(_ ask: () async throws -> T?) async throws -> T {
        let start = Clock.monotonicNanoseconds()
        while Clock.monotonicNanoseconds() - start < 60_000_000_000 {
            do {
                if let answer = try await ask() { return answer }
            } catch let error as SlipwayError where error.code == .notFound {}
            try await Task.sleep(for: .milliseconds(20))
        }
        throw SlipwayError(.deadlineExceeded, "The answer did not come in 60 s.")
    }
}
