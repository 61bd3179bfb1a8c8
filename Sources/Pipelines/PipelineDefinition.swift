import CommandKit
import Core

/// A pipeline as its author wrote it: parameters, triggers and a graph of steps. `docs/pipelines.md` is its reference.
///
/// Whoever holds one knows that all names resolve, that there are no cycles and that every number is in range.
public struct PipelineDefinition: Hashable, Sendable {
    public let name: String
    public let description: String?
    /// Where the runs of its steps are tracked; the pipeline's own name unless said.
    public let experiment: String
    /// Sorted by name.
    public let params: [PipelineParameter]
    public let triggers: [PipelineTrigger]
    /// As written; `graph` says what waits for what.
    public let steps: [PipelineStep]
    public let graph: Graph

    public static let maximumSteps = 200
    public static let maximumTriggers = 50

    /// - Throws: `invalid`, naming the step and the field.
    public init(yaml text: String) throws {
        try self.init(json: YAMLDocument.parse(text))
    }

    /// The same from JSON, such as `json` gives.
    public init(json: JSONValue) throws {
        let allowed: Set<String> = ["name", "description", "experiment", "params", "triggers", "defaults", "steps"]
        guard case .object = json else {
            throw SlipwayError.field("pipeline", "is \(json.kindName)", expected: "a mapping with a name and steps")
        }
        let fields = try JSONFields(json, allowed: allowed)
        name = try Name.validate(try fields.string("name"))
        description = try fields.optionalString("description")
        experiment = try fields.optionalString("experiment") ?? name
        params = try fields.object("params").map { try PipelineParameter(name: $0.key, $0.value) }.sorted {
            $0.name < $1.name
        }
        triggers = try fields.array("triggers").enumerated().map { try PipelineTrigger($1, index: $0) }
        guard triggers.count <= Self.maximumTriggers else {
            throw SlipwayError.field("triggers", "are more than \(Self.maximumTriggers)")
        }
        let defaults = try fields.object("defaults")
        if let wrong = defaults.keys.filter({ !PipelineStep.defaultFields.contains($0) }).min() {
            throw SlipwayError.field(
                "defaults.\(wrong)", "cannot have a default",
                expected: PipelineParameter.oneOf(PipelineStep.defaultFields))
        }
        let listed = try fields.array("steps")
        guard (1...Self.maximumSteps).contains(listed.count) else {
            throw SlipwayError.field(
                "steps", listed.isEmpty ? "are missing" : "are \(listed.count)",
                expected: "1 to \(Self.maximumSteps) steps")
        }
        steps = try listed.enumerated().map { try PipelineStep($1, index: $0, defaults: defaults) }
        var seen: Set<String> = []
        for step in steps where !seen.insert(step.name).inserted {
            throw SlipwayError.field(
                "steps.\(step.name)", "is there twice", expected: "a name of its own for each step")
        }
        try Self.checkReferences(steps, params: params)
        try Self.checkTriggers(triggers, params: params)
        graph = Graph(
            nodes: steps.map(\.name),
            dependencies: Dictionary(uniqueKeysWithValues: steps.map { ($0.name, $0.dependencies) }))
        _ = try graph.topologicalOrder()
    }

    private static func checkReferences(_ steps: [PipelineStep], params: [PipelineParameter]) throws {
        let byName = Dictionary(uniqueKeysWithValues: steps.map { ($0.name, $0) })
        for step in steps {
            let path = "steps.\(step.name)"
            for need in step.needs where byName[need] == nil {
                throw SlipwayError.field(
                    "\(path).needs", "there is no step '\(need)'", expected: PipelineParameter.oneOf(byName.keys))
            }
            for (name, input) in step.inputs.sorted(by: { $0.key < $1.key }) {
                guard case .step(let source, let output) = input else { continue }
                let field = "\(path).inputs.\(name)"
                guard let other = byName[source] else {
                    throw SlipwayError.field(
                        field, "there is no step '\(source)'", expected: PipelineParameter.oneOf(byName.keys))
                }
                guard other.outputs[output] != nil else {
                    throw SlipwayError.field(
                        field, "step '\(source)' has no output '\(output)'",
                        expected: PipelineParameter.oneOf(other.outputs.keys))
                }
            }
            for (field, text) in step.templates {
                for placeholder in try Template(parsing: text, field: "\(path).\(field)").placeholders {
                    guard placeholder.hasPrefix("params.") else {
                        throw SlipwayError.field(
                            "\(path).\(field)", "'${\(placeholder)}' belongs into a trigger's params",
                            expected: "${params.NAME}")
                    }
                    let name = String(placeholder.dropFirst("params.".count))
                    guard params.contains(where: { $0.name == name }) else {
                        throw SlipwayError.field(
                            "\(path).\(field)", "the pipeline has no parameter '\(name)'",
                            expected: PipelineParameter.oneOf(params.map(\.name)))
                    }
                }
            }
        }
    }

    private static func checkTriggers(_ triggers: [PipelineTrigger], params: [PipelineParameter]) throws {
        for (index, trigger) in triggers.enumerated() {
            // Text with a placeholder is only known when the event comes; everything else can be checked now.
            let unknown = try trigger.params.filter {
                try $0.value.stringValue.map { !(try Template(parsing: $0, field: "").placeholders.isEmpty) } ?? false
            }
            do {
                let lenient = params.filter { unknown[$0.name] == nil }
                _ = try PipelineParameter.resolve(lenient, given: trigger.params.filter { unknown[$0.key] == nil })
                if let name = unknown.keys.filter({ name in !params.contains { $0.name == name } }).min() {
                    throw SlipwayError.field(
                        "params.\(name)", "the pipeline has no such parameter",
                        expected: PipelineParameter.oneOf(params.map(\.name)))
                }
            } catch let error as SlipwayError {
                throw SlipwayError(
                    .invalid, "triggers[\(index)].\(error.message)",
                    details: ["field": "triggers[\(index)].\(error.details["field"] ?? "params")"])
            }
        }
    }

    /// The whole definition with every default written out; equal definitions give equal JSON.
    public var json: JSONValue {
        var fields: [String: JSONValue] = [
            "name": .string(name), "experiment": .string(experiment), "steps": .array(steps.map(\.json)),
        ]
        if let description { fields["description"] = .string(description) }
        if !params.isEmpty {
            fields["params"] = .object(Dictionary(uniqueKeysWithValues: params.map { ($0.name, $0.json) }))
        }
        if !triggers.isEmpty { fields["triggers"] = .array(triggers.map(\.json)) }
        return .object(fields)
    }

    public func step(_ name: String) -> PipelineStep? { steps.first { $0.name == name } }
}
