import Core
import Ledger
import Platform
import Projects
import TestSupport

@testable import Tracking

let admin = Principal(name: "ada", role: .admin)

/// The service on each database, with a project `p` and an experiment `e` in it.
func withTracking(
    clock: Clock = .system, _ body: (TrackingService, Experiment) async throws -> Void
) async throws {
    try await TestPlatform.each(ProjectsFeature.migrations + TrackingFeature.migrations) { platform in
        _ = try await ProjectsService(platform).create(name: "p", owner: nil, description: "", goals: [], as: admin)
        let service = TrackingFeature.make(platform).service
        try await service.ensureDefaultExperiment()
        try await body(service, try await service.createExperiment(name: "e", project: "p", as: admin))
    }
}

extension TrackingService {
    func makeRun(_ experiment: Experiment, _ name: String? = nil, started: Int64? = nil) async throws -> String {
        var draft = RunDraft(experiment: experiment.id, name: name)
        draft.started = started.map(Timestamp.init(milliseconds:))
        return try await createRun(draft, as: admin).info.id
    }

    func eventTypes() async throws -> [String] { try await ledger.events(after: 0, limit: 1000).map(\.type) }
}

func point(_ step: Int64, _ time: Int64, _ value: Double) -> MetricPoint {
    MetricPoint(step: step, time: Timestamp(milliseconds: time), value: value)
}

func logged(_ key: String, _ step: Int64, _ value: Double, time: Int64 = 1) -> LoggedMetric {
    LoggedMetric(key: key, point: point(step, time, value))
}

/// The code and message of the error that `body` throws.
func failure(_ body: () async throws -> Void) async -> SlipwayError? {
    do {
        try await body()
        return nil
    } catch { return error as? SlipwayError }
}
