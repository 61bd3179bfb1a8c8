import Core
import Objects
import Registry
import Tracking
import Web

/// HTTP in, HTTP out: records of other stores in bulk.
struct ExchangeRoutes {
    let tracking: TrackingService
    let registry: RegistryService

    /// Runs whose summaries one request may ask for; each costs reading all of its points.
    static let summaryMaximum = 200
    static let bodyMaximumBytes = 32 << 20

    var routes: [Route] {
        [
            Route(
                .post, "/api/v1/import/experiments", .importRuns,
                "Takes in experiments of another store; says which id each has here.",
                query: [.init("project", "For those that are new; 'default' by default.")],
                body: .json([
                    .init("origin", "A name of the other store."),
                    .init("experiments", "Records: id, name, deleted, created, updated (ms), tags."),
                ])
            ) { request in
                let body = try await request.json(
                    allowed: ["origin", "experiments"], maximumBytes: Self.bodyMaximumBytes)
                let (ids, outcome) = try await tracking.importExperiments(
                    body.array("experiments").map(ExperimentRecord.init), origin: body.string("origin"),
                    project: request.project, as: request.principal)
                return .json(["ids": JSONValue(ids), "outcome": outcome.json])
            },
            Route(
                .post, "/api/v1/import/runs", .importRuns,
                "Takes in runs, points and logged models with their ids, users and times; what is here stays as it is.",
                query: [.init("check", "true: only says what is missing.")],
                body: .json([
                    .init("runs?", "Records of runs."), .init("points?", "{run, key, points: [[step, ms, value]]}."),
                    .init("loggedModels?", "Records of logged models."),
                ])
            ) { request in
                let body = try await request.json(
                    allowed: ["runs", "points", "loggedModels"], maximumBytes: Self.bodyMaximumBytes)
                let checks = request.query("check") == "true"
                var answer: [String: JSONValue] = [:]
                let runs = try body.array("runs").map(RunRecord.init)
                if !runs.isEmpty {
                    answer["runs"] = try await tracking.importRuns(runs, checking: checks, as: request.principal).json
                }
                let models = try body.array("loggedModels").map(LoggedModelRecord.init)
                if !models.isEmpty, !checks {
                    answer["loggedModels"] = try await tracking.importLoggedModels(models, as: request.principal).json
                }
                let points = try body.array("points").map(PointsRecord.init)
                if !points.isEmpty {
                    answer["points"] = try await tracking.importPoints(points, checking: checks, as: request.principal)
                        .json
                }
                return .json(.object(answer))
            },
            Route(
                .post, "/api/v1/import/summaries", .readRuns,
                "Counts and digests of runs, to compare with another store's; those that are not here are left out.",
                body: .json([.init("runs", "Ids, at most \(Self.summaryMaximum).")])
            ) { request in
                let ids = try await request.json(allowed: ["runs"]).strings("runs")
                guard ids.count <= Self.summaryMaximum else {
                    throw SlipwayError.field(
                        "runs", "has \(ids.count) ids", expected: "at most \(Self.summaryMaximum)")
                }
                let found = try await tracking.summaries(ofRuns: ids, as: request.principal)
                return .json(["items": .array(found.map(\.json))])
            },
            Route(
                .post, "/api/v1/import/models", .importRuns,
                "Takes in registered models with their versions under their own numbers, stages and aliases.",
                query: [.init("project", "For those that are new; 'default' by default.")],
                body: .json([.init("models", "Records of models with their versions.")])
            ) { request in
                let body = try await request.json(allowed: ["models"], maximumBytes: Self.bodyMaximumBytes)
                var outcome = ImportOutcome()
                for model in try body.array("models").map(ModelRecord.init) {
                    outcome.add(
                        try await registry.importModel(model, project: request.project, as: request.principal))
                }
                return .json(outcome.json)
            },
            Route(
                .get, "/api/v1/import/files", .readRuns,
                "All artifacts of a run or logged model with their digests.",
                query: [.init("of", "run:ID or logged-model:ID.")]
            ) { request in
                let ref = try Ref(parsing: request.query("of") ?? "")
                let owner: ArtifactOwner
                switch ref.kind {
                case .run: owner = .run(ref.name)
                case .loggedModel: owner = .model(ref.name)
                default:
                    throw SlipwayError.field("of", "'\(ref)' has no artifacts", expected: "run:ID or logged-model:ID")
                }
                let files = try await tracking.artifactFiles(below: nil, of: owner, as: request.principal)
                return .json([
                    "items": .array(
                        files.map {
                            [
                                "path": .string($0.path), "digest": .string($0.object.digest.hex),
                                "sizeBytes": .int($0.object.sizeBytes),
                            ]
                        })
                ])
            },
        ]
    }
}
