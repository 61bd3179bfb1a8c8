import Core
import Database
import Datasets
import Ledger
import Objects
import Pipelines
import Platform
import Projects
import Registry
import Synchronization
import TestSupport
import Tracking
import Web

/// A registry on a real database and a real object store, with people in the project `fresh`.
struct Fixture: Sendable {
    let platform: Platform
    let tracking: TrackingService
    let pipelines: PipelinesService
    let registry: RegistryService
    let experiment: String
    let features: [Feature]

    static let ada = Principal(name: "ada", role: nil, grants: ["fresh": .dataScientist])
    static let bob = Principal(name: "bob", role: nil, grants: ["fresh": .mlEngineer])
    static let eve = Principal(name: "eve", role: nil, grants: ["fresh": .owner])
    static let guest = Principal(name: "guest", role: nil, grants: ["fresh": .viewer])
    static let stranger = Principal(name: "stranger", role: nil, grants: ["other": .owner])

    private static let migrations =
        ProjectsFeature.migrations + DatasetsFeature.migrations + TrackingFeature.migrations
        + PipelinesFeature.migrations
        + RegistryFeature.migrations

    /// Runs `body` once on each database.
    static func each(_ body: (Fixture) async throws -> Void) async throws {
        for dialect in TestDatabase.dialects {
            // A clock that moves one second a look, so that intervals have a length.
            let ticks = Ticks()
            let clock = Clock { Timestamp(milliseconds: ticks.next() * 1000) }
            try await TestPlatform.with(migrations, dialect: dialect, clock: clock) { try await body(make($0)) }
        }
    }

    private final class Ticks: Sendable {
        private let count = Atomic<Int64>(1_700_000_000)
        func next() -> Int64 { count.add(1, ordering: .relaxed).newValue }
    }

    private static func make(_ platform: Platform) async throws -> Fixture {
        let admin = Principal(name: "admin", role: .admin)
        let projects = ProjectsFeature.make(platform).service
        for name in ["fresh", "other"] {
            _ = try await projects.create(name: name, owner: "eve", description: "", goals: [], as: admin)
        }
        try await platform.database.write { db in
            try db.execute(
                "INSERT INTO dataset (name, project, description, created_ms) VALUES ('sales', 'fresh', '', 0)")
            for number in 1...3 {
                try db.execute(
                    """
                    INSERT INTO dataset_version (dataset, number, manifest, digest, columns, row_count, size_bytes, file_count, message, author,
                        created_ms, recipe, recipe_digest)
                    VALUES ('sales', \(number), '', \(Digest.of("\(number)")), '[]', 0, 0, 0, '', 'ada', 0,
                        '{"kind":"import","inputs":[],"details":{}}', '')
                    """)
            }
            try db.execute(
                """
                INSERT INTO slice (name, version, project, dataset, condition, description, owner, created_ms)
                VALUES ('perishable', 1, 'fresh', 'sales', 'TRUE', '', 'ada', 0)
                """)
            try db.execute(
                """
                INSERT INTO dataset_named_version (dataset, name, kind, number, author, created_ms)
                VALUES ('sales', 'main', 'branch', 3, 'ada', 0)
                """)
        }
        let datasets = DatasetsFeature.make(platform).service
        let tracking = TrackingFeature.make(platform).service
        let pipelines = PipelinesFeature.make(platform, datasets: datasets)
        let registry = RegistryFeature.make(
            platform, datasets: datasets, tracking: tracking, pipelines: pipelines.service)
        let experiment = try await tracking.createExperiment(name: "restock", project: "fresh", as: ada)
        return Fixture(
            platform: platform, tracking: tracking, pipelines: pipelines.service, registry: registry.service,
            experiment: experiment.id,
            features: [pipelines.feature, registry.feature])
    }

    // MARK: Making things

    /// A finished run with a model among its artifacts at `model/`; returns its id.
    func run(files: [String: String] = Self.onnxFiles, as principal: Principal = Self.ada) async throws -> String {
        let run = try await tracking.createRun(RunDraft(experiment: experiment), as: principal)
        try await tracking.log(
            LogBatch(
                metrics: [
                    LoggedMetric(
                        key: "rmse", point: MetricPoint(step: 0, time: Timestamp(milliseconds: 1), value: 0.25))
                ],
                params: [KeyValue("random_state", "7"), KeyValue("depth", "3")],
                tags: [
                    KeyValue("mlflow.source.git.commit", "c0ffee"), KeyValue("slipway.pipelineRun", "1f"),
                    KeyValue("slipway.step", "train"),
                ]),
            run: run.info.id, as: principal)
        try await tracking.logInputs(
            [
                DatasetInput(
                    name: "sales", digest: "abc", sourceType: "slipway", source: "dataset:sales@3",
                    tags: [KeyValue("mlflow.data.context", "training")])
            ], run: run.info.id, as: principal)
        for (path, text) in files {
            let object = try await platform.objects.put(Array(text.utf8))
            try await tracking.setArtifacts(
                [(try RelativePath(parsing: path), object)], of: .run(run.info.id), as: principal)
        }
        return run.info.id
    }

    static let onnxFiles = [
        "model/MLmodel": """
        flavors:
          onnx:
            data: model.onnx
        mlflow_version: 3.17.2
        signature:
          inputs: '[{"type": "double", "name": "price", "required": true}]'
          outputs: '[{"type": "double", "required": true}]'
          params: null
        """, "model/model.onnx": "not really", "model/requirements.txt": "onnx==1.19.0\n",
        "other/notes.txt": "not the model's",
    ]

    /// The model `restock` with a version from a run of its own for each name in `makers`.
    @discardableResult
    func restock(versions makers: [Principal] = [Self.ada]) async throws -> [ModelVersion] {
        _ = try await registry.createModel("restock", project: "fresh", as: Self.ada)
        var made: [ModelVersion] = []
        for maker in makers {
            made.append(
                try await registry.createVersion(
                    "restock", VersionRequest(source: "runs:/\(try await run())/model"), as: maker))
        }
        return made
    }

    /// Types of the events about a model and its versions, oldest first.
    func events(of name: String = "restock") async throws -> [String] {
        try await platform.ledger.events(after: 0, .init(subject: Ref(.model, name)), limit: 1000).map(\.type)
    }
}

/// The code of the error that `body` throws; nil when it throws none.
func code(_ body: () async throws -> Void) async -> ErrorCode? {
    do {
        try await body()
        return nil
    } catch { return (error as? SlipwayError)?.code ?? .internal }
}
