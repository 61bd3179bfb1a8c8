import Core
import Database
import Tracking

extension TraceService {
    /// - Throws: `notFound` when there is no such trace, or nothing of the id that it overrides.
    public func assess(_ id: String, _ draft: AssessmentDraft, as principal: Principal) async throws -> Assessment {
        let assessment = try draft.made(trace: id, at: now)
        return try await database.write { [self] db in
            let trace = try trace(db, id, .writeRuns, principal)
            guard try assessments.one(db, trace, id: assessment.id) == nil else {
                throw SlipwayError(.conflict, "The trace \(id) has an assessment with the id \(assessment.id) already.")
            }
            if let overridden = assessment.overrides {
                guard try assessments.setValid(db, trace: trace.key, id: overridden, false) else {
                    throw Self.noAssessment(overridden, id)
                }
            }
            try assessments.put(db, trace: trace.key, [assessment])
            return assessment
        }
    }

    /// - Throws: `notFound`.
    public func assessment(_ assessment: String, of id: String, as principal: Principal) async throws -> Assessment {
        try await database.read { [self] db in
            let trace = try trace(db, id, .readRuns, principal)
            guard let found = try assessments.one(db, trace, id: assessment) else {
                throw Self.noAssessment(assessment, id)
            }
            return found
        }
    }

    /// - Throws: `notFound`; `invalid` for a value of another kind.
    public func change(
        _ assessment: String, of id: String, _ change: AssessmentChange, as principal: Principal
    ) async throws -> Assessment {
        let now = now
        return try await database.write { [self] db in
            let trace = try trace(db, id, .writeRuns, principal)
            guard let found = try assessments.one(db, trace, id: assessment) else {
                throw Self.noAssessment(assessment, id)
            }
            let changed = try found.changed(change, at: now)
            try assessments.put(db, trace: trace.key, [changed])
            return changed
        }
    }

    /// What it stood in for is valid again. One that is not there is no fault.
    public func deleteAssessment(_ assessment: String, of id: String, as principal: Principal) async throws {
        try await database.write { [self] db in
            let trace = try trace(db, id, .writeRuns, principal)
            guard let found = try assessments.one(db, trace, id: assessment) else { return }
            if let overridden = found.overrides {
                _ = try assessments.setValid(db, trace: trace.key, id: overridden, true)
            }
            try assessments.delete(db, trace: trace.key, id: assessment)
        }
    }

    private static func noAssessment(_ assessment: String, _ trace: String) -> SlipwayError {
        SlipwayError(.notFound, "Assessment with ID '\(assessment)' not found for trace '\(trace)'")
    }
}
