import Core

extension PipelineStep {
    /// Every text that may hold placeholders, and the field that it is in.
    var templates: [(field: String, text: String)] {
        var found = run.enumerated().map { ("run[\($0)]", $1) }
        for (name, input) in inputs.sorted(by: { $0.key < $1.key }) {
            if case .ref(let text) = input { found.append(("inputs.\(name)", text)) }
        }
        for (name, output) in outputs.sorted(by: { $0.key < $1.key }) { found.append(("outputs.\(name)", output.text)) }
        for (name, value) in params.sorted(by: { $0.key < $1.key }) {
            if let text = value.stringValue { found.append(("params.\(name)", text)) }
        }
        for (name, text) in variables.sorted(by: { $0.key < $1.key }) { found.append(("variables.\(name)", text)) }
        return found
    }

    /// Fills in the placeholders.
    ///
    /// - Parameter values: of the pipeline's parameters, all of them.
    /// - Throws: `invalid` when a value makes a ref or a name unusable.
    public func resolved(_ values: [String: JSONValue]) throws -> ResolvedStep {
        func lookup(_ name: String) throws -> JSONValue {
            guard let value = values[String(name.dropFirst("params.".count))] else {
                throw SlipwayError.field("steps.\(self.name)", "'${\(name)}' has no value")
            }
            return value
        }
        func fill(_ text: String, _ field: String) throws -> String {
            try Template(parsing: text, field: field).text(lookup)
        }
        let path = "steps.\(name)"
        var sources: [String: ResolvedStep.Source] = [:]
        for (key, input) in inputs {
            let field = "\(path).inputs.\(key)"
            switch input {
            case .step(let step, let output): sources[key] = .step(step, output: output)
            case .ref(let text): sources[key] = .ref(try StepInput.ref(fill(text, field), field: field))
            }
        }
        var results: [String: StepOutput] = [:]
        for (key, output) in outputs {
            let field = "\(path).outputs.\(key)"
            results[key] = try StepOutput(.string(fill(output.text, field)), field: field)
        }
        return ResolvedStep(
            name: name, command: try run.enumerated().map { try fill($1, "\(path).run[\($0)]") }, inputs: sources,
            outputs: results,
            params: try params.mapValues { value in
                try value.stringValue.map { try Template(parsing: $0, field: "\(path).params").value(lookup) } ?? value
            },
            variables: try variables.mapValues { try fill($0, "\(path).variables") })
    }
}

/// A step of one run: no placeholder is left.
public struct ResolvedStep: Hashable, Sendable {
    public enum Source: Hashable, Sendable {
        case step(String, output: String)
        case ref(Ref)
    }
    public let name: String
    public let command: [String]
    public let inputs: [String: Source]
    public let outputs: [String: StepOutput]
    public let params: [String: JSONValue]
    public let variables: [String: String]
}
