import Core
import Registry
import Testing

@Suite struct PromotionTests {
    private static let sales = Ref(.dataset, "sales", version: 3)
    private static let older = Ref(.dataset, "sales", version: 2)
    private static let slice = Ref(.slice, "perishable", version: 1)

    private static func evaluation(_ metrics: [String: Double], on dataset: Ref = sales, slice: Ref? = nil)
        -> Evaluation
    {
        Evaluation(
            id: "", dataset: dataset, slice: slice, run: nil, metrics: metrics, created: Timestamp(milliseconds: 0),
            createdBy: "ada")
    }

    struct Case: Sendable, CustomTestStringConvertible {
        let title: String
        var rule = Promotion(metric: "rmse", direction: .lower)
        var challenger: [Evaluation]
        /// nil: nobody holds the alias.
        var holder: [Evaluation]?
        var refusal: String?
        let reasons: [String]
        var improvement: Double?
        var testDescription: String { title }
    }

    static let cases: [Case] = [
        Case(
            title: "better", challenger: [evaluation(["rmse": 0.25])], holder: [evaluation(["rmse": 0.5])], reasons: [],
            improvement: 0.25),
        Case(
            title: "worse", challenger: [evaluation(["rmse": 0.5])], holder: [evaluation(["rmse": 0.25])],
            reasons: ["rmse 0.5 against 0.25 of the holder model:m@1, lower is better: no gain"], improvement: -0.25),
        Case(
            title: "the same is no gain", challenger: [evaluation(["rmse": 0.5])], holder: [evaluation(["rmse": 0.5])],
            reasons: ["rmse 0.5 against 0.5 of the holder model:m@1, lower is better: no gain"], improvement: 0),
        Case(
            title: "higher is better", rule: Promotion(metric: "r2", direction: .higher),
            challenger: [evaluation(["r2": 0.75])],
            holder: [evaluation(["r2": 0.5])], reasons: [], improvement: 0.25),
        Case(
            title: "under the minimum",
            rule: Promotion(metric: "rmse", direction: .lower, minimumImprovement: .absolute(0.5)),
            challenger: [evaluation(["rmse": 0.25])], holder: [evaluation(["rmse": 0.5])],
            reasons: [
                "rmse 0.25 against 0.5 of the holder model:m@1, lower is better: the gain 0.25 is under the minimum 0.5"
            ], improvement: 0.25),
        Case(
            title: "exactly the minimum, as a share",
            rule: Promotion(metric: "rmse", direction: .lower, minimumImprovement: .relative(0.5)),
            challenger: [evaluation(["rmse": 0.25])], holder: [evaluation(["rmse": 0.5])], reasons: [],
            improvement: 0.25),
        Case(
            title: "a share of a negative value is a share of its size",
            rule: Promotion(metric: "loss", direction: .lower, minimumImprovement: .relative(0.5)),
            challenger: [evaluation(["loss": -5])],
            holder: [evaluation(["loss": -4])],
            reasons: [
                "loss -5.0 against -4.0 of the holder model:m@1, lower is better: the gain 1.0 is under the minimum 50.0 %"
            ], improvement: 1),
        Case(title: "nobody holds it", challenger: [evaluation(["rmse": 0.25])], holder: nil, reasons: []),
        Case(
            title: "nobody holds it and nothing was measured", challenger: [], holder: nil,
            reasons: ["model:m@2 has no evaluation with the metric 'rmse'"]),
        Case(
            title: "nobody holds it and the value is NaN", challenger: [evaluation(["rmse": .nan])], holder: nil,
            reasons: ["rmse of model:m@2 is nan"]),
        Case(
            title: "NaN never wins", challenger: [evaluation(["rmse": .nan])], holder: [evaluation(["rmse": 9])],
            reasons: ["rmse of model:m@2 is nan"], improvement: .nan),
        Case(
            title: "NaN does not defend", challenger: [evaluation(["rmse": 9])], holder: [evaluation(["rmse": .nan])],
            reasons: [], improvement: .nan),
        Case(
            title: "other data", challenger: [evaluation(["rmse": 0.25])],
            holder: [evaluation(["rmse": 0.5], on: older)],
            reasons: [
                "the holder model:m@1 has no evaluation with the metric 'rmse' on dataset:sales@3; evaluate it there first"
            ]),
        Case(
            title: "a slice is other data than its dataset", challenger: [evaluation(["rmse": 0.25], slice: slice)],
            holder: [evaluation(["rmse": 0.5])],
            reasons: [
                "the holder model:m@1 has no evaluation with the metric 'rmse' on dataset:sales@3 slice:perishable@1; evaluate it there first"
            ]),
        Case(
            title: "the newest data that both have",
            challenger: [evaluation(["rmse": 0.25], on: older), evaluation(["rmse": 0.75])],
            holder: [evaluation(["rmse": 0.5], on: older)], reasons: [], improvement: 0.25),
        Case(
            title: "the newest of several measurements counts",
            challenger: [evaluation(["rmse": 0.25]), evaluation(["rmse": 0.75])],
            holder: [evaluation(["rmse": 0.5])],
            reasons: ["rmse 0.75 against 0.5 of the holder model:m@1, lower is better: no gain"],
            improvement: -0.25),
        Case(
            title: "only the named data",
            rule: Promotion(metric: "rmse", direction: .lower, on: Ref(.slice, "perishable")),
            challenger: [evaluation(["rmse": 0.25], slice: slice), evaluation(["rmse": 0.75])],
            holder: [evaluation(["rmse": 0.5], slice: slice), evaluation(["rmse": 0.5])], reasons: [], improvement: 0.25
        ),
        Case(
            title: "another metric says nothing", challenger: [evaluation(["mae": 0.1])],
            holder: [evaluation(["mae": 0.2])],
            reasons: ["model:m@2 has no evaluation with the metric 'rmse'"]),
        Case(
            title: "not approved, and worse: both reasons", challenger: [evaluation(["rmse": 0.5])],
            holder: [evaluation(["rmse": 0.25])],
            refusal: "'champion' takes 1 approval and it has 0",
            reasons: [
                "model:m@2 is not approved: 'champion' takes 1 approval and it has 0",
                "rmse 0.5 against 0.25 of the holder model:m@1, lower is better: no gain",
            ], improvement: -0.25),
    ]

    @Test(arguments: cases) func `the rule gives its reasons`(_ c: Case) {
        let decision = c.rule.decide(
            challenger: .init(ref: Ref(.model, "m", version: 2), evaluations: c.challenger),
            holder: c.holder.map { .init(ref: Ref(.model, "m", version: 1), evaluations: $0) },
            approvalRefusal: c.refusal)
        #expect(decision.reasons == c.reasons)
        #expect(decision.promotes == c.reasons.isEmpty)
        #expect(
            decision.improvement == c.improvement
                || (decision.improvement?.isNaN == true && c.improvement?.isNaN == true))
    }

    @Test func `the holder cannot be promoted over itself`() {
        let me = Promotion.Contender(ref: Ref(.model, "m", version: 1), evaluations: [Self.evaluation(["rmse": 1])])
        let decision = Promotion(metric: "rmse", direction: .lower).decide(
            challenger: me, holder: me, approvalRefusal: nil)
        #expect(decision.reasons == ["model:m@1 holds the alias already"])
    }

    @Test func `a margin is a number or a share`() throws {
        let good: [(JSONValue, Promotion.Margin)] = [
            (0, .absolute(0)), (0.5, .absolute(0.5)), ("0.5", .absolute(0.5)), ("1%", .relative(0.01)),
            ("50 %", .relative(0.5)),
        ]
        for (value, margin) in good { #expect(try Promotion.Margin(parsing: value) == margin) }
        let bad: [JSONValue] = [-1, "-1%", "much", "NaN", true, [], "%"]
        for value in bad { #expect(throws: SlipwayError.self) { try Promotion.Margin(parsing: value) } }
    }
}
