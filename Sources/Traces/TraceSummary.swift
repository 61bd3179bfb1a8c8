import Core
import Tracking

/// What the spans of one trace, as they came in one request, tell of the trace.
struct TraceSummary: Sendable {
    let id: String
    var started: Timestamp
    var ended: Timestamp?
    /// Of the root span; nil if it has not come yet.
    var state: TraceState?
    var requestPreview: String?
    var responsePreview: String?
    var name: String?
    var tags: [KeyValue] = []
    /// Set unless the trace has them.
    var metadata: [KeyValue] = []
    var nodes: [UsageNode] = []

    private static let tagPrefix = "mlflow.traceTag."

    /// - Parameter spans: of one trace, with the attributes that `SpanRules` adds; at least one.
    init(id: String, spans: [Span], resource: [Attribute]) {
        self.id = id
        started = Timestamp(milliseconds: (spans.map(\.startedNanoseconds).min() ?? 0) / 1_000_000)
        ended = spans.compactMap(\.endedNanoseconds).max().map { Timestamp(milliseconds: $0 / 1_000_000) }
        // The SDK's own facts and MLflow's own names are no tags.
        for attribute in resource
        where !attribute.key.hasPrefix("telemetry.sdk.") && !attribute.key.hasPrefix("mlflow.") {
            if let tag = try? TraceRules.tag(KeyValue(attribute.key, attribute.value.shownText)) { tags.append(tag) }
        }
        for span in spans {
            nodes.append(UsageNode(span))
            for (key, attribute) in [
                (TraceKey.session, "session.id"), (TraceKey.session, "gen_ai.conversation.id"),
                (TraceKey.user, "user.id"),
            ] {
                guard let value = span.attributes[attribute], !metadata.contains(where: { $0.key == key }) else {
                    continue
                }
                metadata.append(TraceRules.metadata(KeyValue(key, AttributeValue.unquoted(value))))
            }
            guard span.parent == nil else { continue }
            state = span.status == .error ? .error : .ok
            requestPreview = span.attributes["mlflow.spanInputs"].map { Self.preview($0, role: "user") }
            responsePreview = span.attributes["mlflow.spanOutputs"].map { Self.preview($0, role: "assistant") }
            for attribute in span.attributes where attribute.key.hasPrefix(Self.tagPrefix) {
                let key = String(attribute.key.dropFirst(Self.tagPrefix.count))
                let value = AttributeValue.unquoted(attribute.value)
                guard let tag = try? TraceRules.tag(KeyValue(key, value)), !TraceKey.reserved.contains(key) else {
                    continue
                }
                if key == TraceKey.name { name = tag.value } else { tags.append(tag) }
            }
        }
    }

    /// What lists show of inputs and outputs: of a chat the text of the last message of that role, else the JSON.
    private static func preview(_ value: AttributeValue, role: String) -> String {
        let json = value.unwrapped
        let text = messages(in: json).flatMap { lastText(of: role, in: $0) }
        return TraceRules.preview(text ?? value.shownText)
    }

    private static func messages(in value: JSONValue) -> [JSONValue]? {
        for name in ["messages", "input", "output"] {
            if let items = value[name]?.arrayValue, !items.isEmpty { return items.filter { $0["role"] != nil } }
        }
        if let message = value["choices"]?.arrayValue?.first?["message"] { return [message] }
        return value["request"].flatMap(messages)
    }

    private static func lastText(of role: String, in messages: [JSONValue]) -> String? {
        guard let message = messages.last(where: { $0["role"]?.stringValue == role }) ?? messages.last else {
            return nil
        }
        if let text = message["content"]?.stringValue { return text.isEmpty ? nil : text }
        let texts = message["content"]?.arrayValue?.compactMap { $0["text"]?.stringValue } ?? []
        return texts.isEmpty ? nil : texts.joined(separator: "")
    }
}

extension AttributeValue {
    /// Text without the quotes that exporters of JSON put around it.
    static func unquoted(_ value: AttributeValue) -> String {
        if case .string(let text) = value.unwrapped { return text }
        return value.shownText
    }
}

/// What one span counts of tokens and cost.
struct UsageNode: Hashable, Sendable {
    let id: String
    let parent: String?
    let tokens: [String: Double]?
    let cost: [String: Double]?

    static let tokenKeys = ["input_tokens", "output_tokens", "total_tokens"]
    static let extraTokenKeys = [
        "cache_read_input_tokens", "cache_creation_input_tokens", "cache_creation_input_tokens_above_1hr",
    ]
    static let costKeys = ["input_cost", "output_cost", "total_cost"]

    init(_ span: Span) { self.init(id: span.id, parent: span.parent, attributes: span.attributes) }

    init(id: String, parent: String?, attributes: [Attribute]) {
        func numbers(_ key: String) -> [String: Double]? {
            attributes[key]?.unwrapped.objectValue.map {
                $0.compactMapValues(\.doubleValue).filter { $0.value.isFinite }
            }
        }
        self.id = id
        self.parent = parent
        tokens = numbers("mlflow.chat.tokenUsage")
        cost = numbers("mlflow.llm.cost")
    }

    /// The sums over a trace. A span that has numbers speaks for the spans below it, so that nothing counts twice.
    ///
    /// - Returns: metadata of the trace; empty when no span has numbers.
    static func totals(_ nodes: [UsageNode]) -> [KeyValue] {
        func text(_ sums: [(String, Double)], whole: Bool) -> String {
            let fields = sums.map { "\"\($0.0)\": \(whole ? String(Int64(clamping: Int($0.1))) : $0.1.description)" }
            return "{" + fields.joined(separator: ", ") + "}"
        }
        var result: [KeyValue] = []
        if let sums = sum(nodes, \.tokens, tokenKeys, extraTokenKeys) {
            result.append(KeyValue(TraceKey.tokenUsage, text(sums, whole: true)))
        }
        if let sums = sum(nodes, \.cost, costKeys, []) {
            result.append(KeyValue(TraceKey.cost, text(sums, whole: false)))
        }
        return result
    }

    private static func sum(
        _ nodes: [UsageNode], _ numbers: (UsageNode) -> [String: Double]?, _ keys: [String], _ extra: [String]
    ) -> [(String, Double)]? {
        guard nodes.contains(where: { numbers($0) != nil }) else { return nil }
        let ids = Set(nodes.map(\.id))
        let children = Dictionary(grouping: nodes) { $0.parent.flatMap { ids.contains($0) ? $0 : nil } }
        var sums: [String: Double] = [:]
        var seen: Set<String> = []
        var stack = children[nil] ?? []
        while let node = stack.popLast() {
            guard seen.insert(node.id).inserted else { continue }
            if let values = numbers(node) {
                for key in keys + extra { if let value = values[key] { sums[key, default: 0] += value } }
            } else {
                stack += children[node.id] ?? []
            }
        }
        return keys.map { ($0, bounded(sums[$0] ?? 0)) }
            + extra.compactMap { key in sums[key].map { (key, bounded($0)) } }
    }

    /// Numbers come from outside: what is too large to be a count is cut.
    private static func bounded(_ number: Double) -> Double { min(max(number, -9e15), 9e15) }
}

/// Attributes of OpenTelemetry's and OpenInference's conventions under MLflow's names, which its clients show.
enum SpanRules {
    private static let types: [(attribute: String, names: [String: String])] = [
        (
            "openinference.span.kind",
            [
                "LLM": "LLM", "CHAIN": "CHAIN", "TOOL": "TOOL", "AGENT": "AGENT", "RETRIEVER": "RETRIEVER",
                "EMBEDDING": "EMBEDDING", "RERANKER": "RERANKER", "GUARDRAIL": "GUARDRAIL", "EVALUATOR": "EVALUATOR",
            ]
        ),
        (
            "gen_ai.operation.name",
            [
                "chat": "CHAT_MODEL", "create_agent": "AGENT", "invoke_agent": "AGENT", "embeddings": "EMBEDDING",
                "execute_tool": "TOOL", "generate_content": "LLM", "text_completion": "LLM",
            ]
        ),
    ]
    private static let inputs = ["input.value", "gen_ai.input.messages", "gen_ai.tool.call.arguments"]
    private static let outputs = ["output.value", "gen_ai.output.messages", "gen_ai.tool.call.result"]
    private static let models = ["llm.model_name", "gen_ai.response.model", "gen_ai.request.model"]
    private static let tokens: [(name: String, attributes: [String])] = [
        ("input_tokens", ["gen_ai.usage.input_tokens", "llm.token_count.prompt"]),
        ("output_tokens", ["gen_ai.usage.output_tokens", "llm.token_count.completion"]),
        ("total_tokens", ["llm.token_count.total"]),
    ]

    /// The span as it is kept: with the trace's id as MLflow writes it, and with what the conventions say.
    static func completed(_ span: Span, traceID: String) -> Span {
        var span = span
        span.attributes = span.attributes.map { Attribute($0.key, $0.value.flattened(TraceLimits.storedDepth)) }
        set(&span, "mlflow.traceRequestId", .text(traceID))
        // MLflow's own clients say it all themselves.
        if span.attributes["mlflow.spanType"] != nil, span.attributes["mlflow.spanInputs"] != nil { return span }
        let given = span.attributes
        func first(_ names: [String]) -> AttributeValue? { names.lazy.compactMap { given[$0] }.first }
        func add(_ key: String, _ value: AttributeValue?) {
            if let value, span.attributes[key] == nil { span.attributes.append(Attribute(key, value)) }
        }
        let type = types.lazy.compactMap { type in
            given[type.attribute].flatMap { type.names[AttributeValue.unquoted($0)] }
        }.first
        add("mlflow.spanType", type.map { .text($0) })
        add("mlflow.spanInputs", first(inputs))
        add("mlflow.spanOutputs", first(outputs))
        add("mlflow.llm.model", first(models))
        var usage: [Attribute] = tokens.compactMap { token in
            first(token.attributes)?.unwrapped.intValue.map { Attribute(token.name, .int($0)) }
        }
        if usage.count == 2, case .int(let input)? = usage["input_tokens"],
            case .int(let output)? = usage["output_tokens"]
        {
            usage.append(Attribute("total_tokens", .int(input.addingReportingOverflow(output).partialValue)))
        }
        add("mlflow.chat.tokenUsage", usage.isEmpty ? nil : .map(usage))
        return span
    }

    private static func set(_ span: inout Span, _ key: String, _ value: AttributeValue) {
        if let index = span.attributes.firstIndex(where: { $0.key == key }) {
            span.attributes[index] = Attribute(key, value)
        } else {
            span.attributes.append(Attribute(key, value))
        }
    }
}
