import Core
import Registry
import Testing

@Suite struct ReproductionTests {
    private static func outcome(_ files: [String: String], _ metrics: [String: Double] = [:]) -> Reproduction.Outcome {
        Reproduction.Outcome(files: files.mapValues { Digest.of($0) }, metrics: metrics)
    }

    struct Case: Sendable, CustomTestStringConvertible {
        let title: String
        let recorded: Reproduction.Outcome
        let rerun: Reproduction.Outcome
        var tolerance = Reproduction.defaultTolerance
        let verdict: Reproduction.Verdict
        var difference: Reproduction.Difference?
        var testDescription: String { title }
    }

    static let cases: [Case] = [
        Case(
            title: "the same bytes", recorded: outcome(["model.onnx": "a"]), rerun: outcome(["model.onnx": "a"]),
            verdict: .equal),
        Case(
            title: "MLmodel names the run and so always differs",
            recorded: outcome(["model.onnx": "a", "MLmodel": "1"]),
            rerun: outcome(["model.onnx": "a", "MLmodel": "2"]), verdict: .equal),
        Case(
            title: "other bytes, the same metrics", recorded: outcome(["a.bin": "x", "b.bin": "x"], ["rmse": 0.25]),
            rerun: outcome(["a.bin": "x", "b.bin": "y"], ["rmse": 0.25]), verdict: .withinTolerance,
            difference: .init(kind: "file", name: "b.bin", recorded: Digest.of("x").hex, rerun: Digest.of("y").hex)),
        Case(
            title: "within the tolerance", recorded: outcome(["m": "x"], ["rmse": 1]),
            rerun: outcome(["m": "y"], ["rmse": 1.0000009]),
            verdict: .withinTolerance,
            difference: .init(kind: "file", name: "m", recorded: Digest.of("x").hex, rerun: Digest.of("y").hex)),
        Case(
            title: "beyond it: the first metric by name", recorded: outcome(["m": "x"], ["a": 1, "b": 1, "c": 1]),
            rerun: outcome(["m": "y"], ["a": 1, "b": 1.1, "c": 2]), verdict: .differs,
            difference: .init(kind: "metric", name: "b", recorded: "1.0", rerun: "1.1")),
        Case(
            title: "a wider tolerance", recorded: outcome(["m": "x"], ["b": 1]), rerun: outcome(["m": "y"], ["b": 1.1]),
            tolerance: 0.2,
            verdict: .withinTolerance,
            difference: .init(kind: "file", name: "m", recorded: Digest.of("x").hex, rerun: Digest.of("y").hex)),
        Case(
            title: "a metric is missing", recorded: outcome(["m": "x"], ["rmse": 1]), rerun: outcome(["m": "y"]),
            verdict: .differs,
            difference: .init(kind: "metric", name: "rmse", recorded: "1.0", rerun: "absent")),
        Case(
            title: "a file is missing and nothing was measured", recorded: outcome(["m": "x"]), rerun: outcome([:]),
            verdict: .differs,
            difference: .init(kind: "file", name: "m", recorded: Digest.of("x").hex, rerun: "absent")),
        Case(
            title: "NaN again is the same; clocks do not count",
            recorded: outcome(["m": "x"], ["auc": .nan, "fit_seconds": 3, "system/cpu": 9]),
            rerun: outcome(["m": "y"], ["auc": .nan, "fit_seconds": 5]), verdict: .withinTolerance,
            difference: .init(kind: "file", name: "m", recorded: Digest.of("x").hex, rerun: Digest.of("y").hex)),
        Case(
            title: "NaN instead of a number", recorded: outcome(["m": "x"], ["auc": 0.5]),
            rerun: outcome(["m": "y"], ["auc": .nan]),
            verdict: .differs, difference: .init(kind: "metric", name: "auc", recorded: "0.5", rerun: "nan")),
        Case(
            title: "nothing to compare", recorded: outcome([:]), rerun: outcome([:]), verdict: .differs,
            difference: .init(kind: "file", name: "the model", recorded: "absent", rerun: "absent")),
    ]

    @Test(arguments: cases) func `a rerun is compared`(_ c: Case) {
        let result = Reproduction(recorded: c.recorded, rerun: c.rerun, tolerance: c.tolerance)
        #expect(result.verdict == c.verdict)
        #expect(result.firstDifference == c.difference)
    }
}
