import Core
import Testing

@testable import Monitoring

@Suite struct SpecTests {
    static let body: JSONValue = ["endpoint": "restock", "reference": "slice:train", "window": ["days": 28]]

    static func with(_ changes: [String: JSONValue]) -> JSONValue {
        .object((body.objectValue ?? [:]).merging(changes) { _, new in new })
    }

    @Test func `what is left out has a default`() throws {
        let spec = try MonitorSpec(Self.body)
        #expect(
            spec.json == [
                "endpoint": "restock", "reference": "slice:train", "features": "all", "columns": [:],
                "window": ["seconds": 2_419_200.0],
                "minimumRows": 200, "thresholds": ["psi": 0.2], "quality": nil, "onDrift": nil, "everySeconds": nil,
                "description": "",
            ])
    }

    @Test func `a specification survives its JSON`() throws {
        let spec = try MonitorSpec(
            Self.with([
                "reference": "dataset:sales@3", "features": ["a", "b"], "columns": ["x": ["a", "b"]],
                "window": ["rows": 5000],
                "minimumRows": 10, "thresholds": ["psi": 0.25, "ks": 0.1, "missing": 0.05, "pinball": 2, "bias": 1],
                "quality": ["output": "y", "column": 1, "quantile": 0.9, "delaySeconds": 3600],
                "onDrift": ["pipeline": "p", "params": ["seed": 7], "minimumSeconds": 60], "everySeconds": 300,
                "description": "x",
            ]))
        #expect(try MonitorSpec(JSONValue(parsing: spec.json.canonicalText)) == spec && spec.quality?.column == "1")
    }

    @Test(
        arguments: [
            (["endpoint": nil], "endpoint: is missing"),
            (["reference": "model:m@1"], "reference: model:m@1 is a model"),
            (["window": [:]], "window: is empty"), (["window": ["days": 1, "rows": 2]], "window: has several units"),
            (["window": ["weeks": 1]], "window.weeks: is not a known field"),
            (["window": ["days": -1]], "window.days: is out of range"),
            (["window": ["rows": 0]], "window.rows: is out of range"), (["features": []], "features: is empty"),
            (["features": ["a", "a"]], "features: has a name twice"), (["features": "some"], "features: is text"),
            (["thresholds": ["psy": 1]], "thresholds.psy: is not a measure"),
            (["thresholds": ["psi": -1]], "thresholds.psi: is a number"),
            (["thresholds": ["mae": 1]], "thresholds.mae: needs feedback"),
            (["thresholds": ["pinball": 1], "quality": [:]], "thresholds.pinball: has no quantile"),
            (
                ["thresholds": ["errorRate": 0.1], "quality": [:]],
                "thresholds.errorRate: is not a measure of regression"
            ),
            (
                ["thresholds": ["mae": 1], "quality": ["task": "classification"]],
                "thresholds.mae: is not a measure of classification"
            ),
            (["quality": ["quantile": 1]], "quality.quantile: is out of range"),
            (["quality": ["task": "ranking"]], "quality.task: 'ranking'"),
            (["onDrift": ["pipeline": "../x"]], "onDrift.pipeline: '../x' is not a valid name"),
            (["onDrift": ["pipeline": "p", "minimumSeconds": -1]], "onDrift.minimumSeconds: is out of range"),
            (["everySeconds": 0.5], "everySeconds: is out of range"),
            (["minimumRows": 0], "minimumRows: is out of range"),
            (["columns": ["x": "a"]], "columns.x: is not a list"), (["retrain": true], "retrain: is not a known field"),
        ] as [([String: JSONValue], String)])
    func `what is wrong is named`(changes: [String: JSONValue], expected: String) {
        var message = "accepted"
        do { _ = try MonitorSpec(Self.with(changes)) } catch {
            message = (error as? SlipwayError)?.message ?? "\(error)"
        }
        #expect(message.hasPrefix(expected))
    }
}

@Suite struct AlertStepTests {
    struct Case: Sendable {
        let about: String
        let status: Report.Status
        var newest: Int64? = nil
        var active: Alert.State? = nil
        var lastStart: Int64? = nil
        var hasAction = true
        let expected: AlertStep
    }

    /// Evaluations at 10,000 s; a pipeline may start every 1,000 s.
    @Test(arguments: [
        Case(
            about: "first drift", status: .drift,
            expected: AlertStep(change: .open, isAnnounced: true, startsPipeline: true)),
        Case(
            about: "without an action", status: .drift, hasAction: false,
            expected: AlertStep(change: .open, isAnnounced: true)),
        Case(
            about: "anew within the pause", status: .drift, lastStart: 9500,
            expected: AlertStep(change: .open, isAnnounced: true, startsPipeline: false)),
        Case(
            about: "still, within the pause", status: .drift, newest: 9999, active: .open, lastStart: 9001,
            expected: AlertStep(change: .renew)),
        Case(
            about: "still, after the pause", status: .drift, newest: 9999, active: .open, lastStart: 9000,
            expected: AlertStep(change: .renew, isAnnounced: true, startsPipeline: true)),
        Case(
            about: "still, without an action", status: .drift, active: .open, hasAction: false,
            expected: AlertStep(change: .renew)),
        Case(
            about: "somebody has taken it on", status: .drift, active: .acknowledged,
            expected: AlertStep(change: .renew)),
        Case(about: "fine again", status: .ok, newest: 10_000, active: .open, expected: AlertStep(change: .resolve)),
        Case(
            about: "fine again, acknowledged", status: .ok, active: .acknowledged, expected: AlertStep(change: .resolve)
        ),
        Case(about: "fine all along", status: .ok, expected: AlertStep()),
        Case(about: "too little to tell", status: .insufficientData, active: .open, expected: AlertStep()),
        Case(about: "drift in the past", status: .drift, newest: 10_001, expected: AlertStep()),
        Case(about: "fine in the past", status: .ok, newest: 10_001, active: .open, expected: AlertStep()),
        Case(
            about: "a start in the future", status: .drift, lastStart: 20_000,
            expected: AlertStep(change: .open, isAnnounced: true)),
    ])
    func `what follows from a report`(_ item: Case) {
        func time(_ seconds: Int64) -> Timestamp { Timestamp(milliseconds: seconds * 1000) }
        let action = MonitorSpec.DriftAction(pipeline: "p", params: [:], minimumSeconds: 1000)
        let step = AlertStep.after(
            item.status, at: time(10_000), newest: item.newest.map(time), active: item.active,
            lastStart: item.lastStart.map(time),
            action: item.hasAction ? action : nil)
        #expect(step == item.expected, "\(item.about)")
    }

    /// The same moment twice starts one pipeline, even without a pause.
    @Test func `no pause is still a pause`() {
        let action = MonitorSpec.DriftAction(pipeline: "p", params: [:], minimumSeconds: 0)
        let starts = [0, 1].map { later in
            AlertStep.after(
                .drift, at: Timestamp(milliseconds: 5000 + later), newest: nil, active: .open,
                lastStart: Timestamp(milliseconds: 5000),
                action: action
            ).startsPipeline
        }
        #expect(starts == [false, true])
    }
}

@Suite struct ThresholdTests {
    @Test func `what is judged`() throws {
        let thresholds = try Thresholds(["psi": 0.2, "ks": 0.5, "missing": 0.1, "bias": 1, "mae": 10])
        func feature(_ name: String, rows: Int64, missing: Int64, psi: Double) -> FeatureReport {
            var report = FeatureReport(name: name, rows: rows, missingRows: missing, referenceMissing: 0)
            report.psi = psi
            report.ks = 0.4
            return report
        }
        let features = [
            feature("moved", rows: 100, missing: 0, psi: 0.3), feature("on the line", rows: 100, missing: 10, psi: 0.2),
            feature("gone", rows: 100, missing: 90, psi: 9), feature("few", rows: 49, missing: 49, psi: 9),
        ]
        let quality = QualityReport(rows: 50, mae: 3, rmse: 4, bias: -2, pinball: nil, errorRate: nil)
        let found = thresholds.crossings(features: features, quality: quality, minimumRows: 50)
        #expect(
            found == [
                Crossing(measure: .psi, feature: "moved", value: 0.3, threshold: 0.2),
                Crossing(measure: .missing, feature: "gone", value: 0.9, threshold: 0.1),
                Crossing(measure: .bias, feature: nil, value: -2, threshold: 1),
            ])
        #expect(thresholds.crossings(features: [], quality: quality, minimumRows: 51).isEmpty)
        #expect(
            MonitoringService.summary(found)
                == "psi of moved is 0.3 (limit 0.2); missing of gone is 0.9 (limit 0.1); bias is -2.0 (limit 1.0)")
    }
}
