import Core
import Datasets
import Inference
import Labels
import Tables
import Web

/// A served model's say on the items of a label task.
///
/// Labels come before Serving in the lifecycle and know no endpoint; they take pre-labels from whoever has them.
struct Prelabelling: Sendable {
    let serving: ServingService
    let labels: LabelsService

    /// Rows that the model is asked about at once.
    static let rows = 2000

    /// Asks about all items that the endpoint's version has not labelled yet.
    ///
    /// - Parameter columns: of the dataset, in the order of the model's inputs; nil takes the signature's names.
    /// - Throws: `unsupported` for labels of other kinds than class and number, and for outputs that say neither.
    func run(_ task: String, endpoint: String, columns: [String]?, as principal: Principal) async throws -> (
        model: Ref, labelled: Int
    ) {
        let model = try await serving.served(endpoint, as: principal, permission: .predict)
        let about = try await labels.task(task, as: principal)
        let definition = try await labels.schema(about.schemaName, version: about.schemaVersion, as: principal)
            .definition
        guard definition.kind == .class || definition.kind == .number else {
            throw SlipwayError(
                .unsupported,
                "An endpoint's tensors are taken for labels of kind class or number, not \(definition.kind.rawValue); send what the model says to /label-tasks/\(task)/prelabels instead.",
                ref: about.ref)
        }
        let features = columns ?? model.columns ?? model.inputs.map(\.name)
        let targets = model.columns ?? (model.inputs.count == 1 ? features : model.inputs.map(\.name))
        var after: Int64 = 0
        let (labelled, _, _) = try await labels.prelabel(task, model: model.model, as: principal) {
            let (task, some) = try await labels.unlabelled(
                task, by: model.model, after: after, limit: Self.rows, as: principal)
            guard let last = some.last else { return nil }
            after = last.number
            let found = try await labels.rows(of: task, some.map(\.key), columns: features, as: principal)
            let rows = some.compactMap { item in found[item.key].map { (item.key, $0) } }
            guard !rows.isEmpty else { return [] }
            let bound = try FrameBinding(model).bind(.table(columns: targets, rows: rows.map { $1.map(\.json) }))
            let outputs = try await model.live.session.runner.infer(
                bound.tensors, outputs: nil, deadlineSeconds: serving.configuration.deadlineSeconds)
            let said = try ModelSays(outputs, rows: rows.count, definition)
            return rows.enumerated().map { said.draft($0, key: JSONValue($1.0.parts)) }
        }
        return (model.model, labelled)
    }
}

/// What a model's outputs mean for labels of a schema.
private struct ModelSays {
    private let definition: LabelDefinition
    /// Of classes: probabilities, row by row, and the class that each place is.
    private var probabilities: (values: [Double], classes: [String])?
    /// What each row is said to be.
    private var labels: [JSONValue]?

    init(_ outputs: [Tensor], rows: Int, _ definition: LabelDefinition) throws {
        self.definition = definition
        for output in outputs where output.shape.first == rows {
            let width = output.shape.dropFirst().reduce(1, *)
            if definition.kind == .number {
                if width == 1, labels == nil { labels = output.values.numbers?.map { .number($0) } }
                continue
            }
            if width > 1, let values = output.values.reals {
                // The model's own names, else as many as the schema has, in its order.
                let names = output.labels ?? definition.classes.map(\.name)
                if names.count == width { probabilities = (values, names.map { Self.name($0, definition) }) }
            } else if width == 1 {
                labels = output.values.texts?.map { .string(Self.name($0, definition)) } ?? labels
            }
        }
        guard labels != nil || probabilities != nil else {
            let shapes = outputs.map { "\($0.name) \($0.shape)" }.joined(separator: ", ")
            throw SlipwayError(
                .unsupported,
                "The model's outputs (\(shapes)) are neither a label for each of \(rows) rows nor probabilities of the \(definition.classes.count) classes."
            )
        }
    }

    /// Models that were trained on numbers instead of names say the class's id, or its place from 0.
    private static func name(_ text: String, _ definition: LabelDefinition) -> String {
        guard definition.classes.first(where: { $0.name == text }) == nil, let number = Int(text) else { return text }
        if let known = definition.classes.first(where: { $0.id == number }) { return known.name }
        return definition.classes.indices.contains(number) ? definition.classes[number].name : text
    }

    func draft(_ row: Int, key: JSONValue) -> PrelabelDraft {
        var chances: [String: Double] = [:]
        if let probabilities {
            let width = probabilities.classes.count
            for (place, name) in probabilities.classes.enumerated() {
                chances[name] = min(1, max(0, probabilities.values[row * width + place]))
            }
        }
        return PrelabelDraft(key: key, value: labels?[row], score: nil, probabilities: chances)
    }
}

extension TensorValues {
    fileprivate var reals: [Double]? {
        switch self {
        case .fp32(let values): values.map { Double($0) }
        case .fp64(let values): values
        default: nil
        }
    }

    fileprivate var numbers: [Double]? { reals ?? wholes?.map { Double($0) } }

    private var wholes: [Int64]? {
        switch self {
        case .int64(let values): values
        case .int32(let values): values.map { Int64($0) }
        default: nil
        }
    }

    fileprivate var texts: [String]? {
        if case .bytes(let values) = self { return values }
        return wholes?.map { String($0) }
    }
}

/// HTTP in, HTTP out: pre-labels from an endpoint.
public struct PrelabelRoutes: Sendable {
    private let prelabelling: Prelabelling

    public init(serving: ServingService, labels: LabelsService) {
        prelabelling = Prelabelling(serving: serving, labels: labels)
    }

    public var routes: [Route] {
        [
            Route(
                .post, "/api/v1/label-tasks/{task}/prelabel", .predict,
                "Asks an endpoint about all items of a label task that its model has not labelled yet.",
                body: .json([
                    .init("endpoint", "The endpoint."),
                    .init("columns?", "The dataset's columns in the model's order; the signature's by default."),
                ])
            ) { request in
                let body = try await request.json(allowed: ["endpoint", "columns"])
                let (model, labelled) = try await prelabelling.run(
                    request.parameter("task"), endpoint: body.string("endpoint"),
                    columns: body["columns"] == nil ? nil : body.strings("columns"), as: request.principal)
                return .json(["model": JSONValue(model), "labelled": JSONValue(labelled)])
            }
        ]
    }
}
