import Core
import Traces
import Tracking
import Web

extension MLflowRoutes {
    /// `traces/{trace_id}/assessments`.
    var assessmentRoutes: [Route] {
        let all = "mlflow/traces/{trace_id}/assessments"
        let one = all + "/{assessment_id}"
        return rawEndpoint(.post, all, version: "3.0", .writeRuns, "adds an assessment of a trace.") {
            [traces] request in
            guard let assessment = try await MLflowFields(request).message("assessment") else {
                throw SlipwayError(.invalid, "Missing value for required parameter 'assessment'.")
            }
            return Self.answer(
                try await traces.assess(
                    request.parameter("trace_id"), assessment.assessment(), as: request.principal))
        }
            + rawEndpoint(.get, one, version: "3.0", .readRuns, "one assessment of a trace.") { [traces] request in
                Self.answer(
                    try await traces.assessment(
                        request.parameter("assessment_id"), of: request.parameter("trace_id"), as: request.principal))
            }
            + rawEndpoint(.patch, one, version: "3.0", .writeRuns, "changes an assessment of a trace.") {
                [traces] request in
                let fields = try await MLflowFields(request)
                guard let assessment = try fields.message("assessment") else { throw fields.missing("assessment") }
                return Self.answer(
                    try await traces.change(
                        request.parameter("assessment_id"), of: request.parameter("trace_id"),
                        Self.change(assessment, mask: fields.required("update_mask")), as: request.principal))
            }
            + rawEndpoint(.delete, one, version: "3.0", .writeRuns, "deletes an assessment of a trace.") {
                [traces] request in
                try await traces.deleteAssessment(
                    request.parameter("assessment_id"), of: request.parameter("trace_id"), as: request.principal)
                return .mlflowEmpty
            }
    }

    private static func answer(_ assessment: Assessment) -> Response {
        .mlflow { $0.message("assessment") { $0.fields(of: assessment) } }
    }

    /// - Parameter mask: protocol buffers' JSON form of a field mask: paths in camel case, separated by commas.
    private static func change(_ assessment: MLflowFields, mask: String) throws -> AssessmentChange {
        var change = AssessmentChange()
        for path in mask.split(separator: ",") {
            switch path {
            case "assessmentName", "assessment_name": change.name = try assessment.text("assessment_name")
            case "feedback", "expectation":
                guard change.value == nil else {
                    throw SlipwayError(.invalid, "Cannot specify both `expectation` and `feedback` parameters.")
                }
                let kind: AssessmentKind = path == "feedback" ? .feedback : .expectation
                let (value, error) = try assessment.value(kind)
                change.value = (kind, value, error)
            case "rationale": change.rationale = try assessment.text("rationale") ?? ""
            case "metadata": change.metadata = try assessment.textMap("metadata")
            default:
                throw SlipwayError(
                    .invalid,
                    "update_mask: '\(path.prefix(40))' cannot be changed; expected some of assessmentName, feedback, expectation, rationale and metadata."
                )
            }
        }
        return change
    }
}
