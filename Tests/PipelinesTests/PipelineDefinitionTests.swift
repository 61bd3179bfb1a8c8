import CommandKit
import Core
import Foundation
import Testing

@testable import Pipelines

/// Runs `body` and returns the message of the `SlipwayError` that it throws, or a text that says that none came.
func message(_ body: () throws -> Void) -> String {
    do {
        try body()
        return "no error"
    } catch let error as SlipwayError {
        return error.message
    } catch {
        return "another error: \(error)"
    }
}

@Suite struct PipelineDefinitionTests {
    static let restock = """
        name: restock
        description: Trains the order model anew
        params:
          horizon: 14
          day: {type: text}
          model: {default: gbm, choices: [gbm, linear], description: Which learner}
        triggers:
          - schedule: "30 3 * * *"
            params: {day: today}
          - event: monitor.alert
            subject: "monitor:restock*"
            params: {day: "${event.data.day}", horizon: 7}
        defaults: {memory: 1GiB, environment: train}
        steps:
          - name: evaluate
            run: [python, evaluate.py, --model, "${params.model}"]
            inputs: {model: steps.train.model, test: "dataset:sales@${params.day}"}
            params: [horizon]
            needs: [notify]
            memory: 512MiB
          - name: train
            run: python train.py --note 'two words' --horizon=${params.horizon}
            inputs:
              data: dataset:sales@latest
              slice: slice:perishable
            outputs:
              model: model:restock-${params.model}
              report: dir
              features: {dataset: features}
            params: {alpha: 0.1, horizon: "${params.horizon}", title: "${params.model} in ${params.day}"}
            retries: 2
            timeout_seconds: 90.5
            cpu: 1.5
            network: true
            cache: false
            variables: {OMP_NUM_THREADS: 2}
          - name: notify
            run: echo done
        """

    @Test func `a whole definition is read`() throws {
        let pipeline = try PipelineDefinition(yaml: Self.restock)
        let train = try #require(pipeline.step("train"))
        #expect(train.run == ["python", "train.py", "--note", "two words", "--horizon=${params.horizon}"])
        #expect(
            [
                pipeline.name, pipeline.experiment,
                pipeline.params.map { "\($0.name):\($0.kind)" }.joined(separator: " "),
                "\(train.retries) \(train.timeoutSeconds) \(train.memoryBytes ?? 0) \(train.cpuCount ?? 0) \(train.network) \(train.cache) \(train.environment ?? "")",
                "\(train.variables)",
                "\(pipeline.step("evaluate")?.memoryBytes ?? 0) \(pipeline.step("evaluate")?.timeoutSeconds ?? 0)",
                try pipeline.graph.topologicalOrder().joined(separator: " "),
            ] == [
                "restock", "restock", "day:text horizon:integer model:text", "2 90.5 1073741824 1.5 true false train",
                "[\"OMP_NUM_THREADS\": \"2\"]",
                "536870912 3600.0", "train notify evaluate",
            ])
        #expect(
            train.outputs == [
                "model": .model("restock-${params.model}"), "report": .folder, "features": .dataset("features"),
            ])
        #expect(try PipelineDefinition(json: pipeline.json) == pipeline)
    }

    @Test func `the example in the documentation is valid`() throws {
        let page = try String(
            contentsOfFile: #filePath.replacing(
                "Tests/PipelinesTests/PipelineDefinitionTests.swift", with: "docs/pipelines.md"), encoding: .utf8)
        let example = try #require(
            page.split(separator: "```yaml\n").dropFirst().first?.split(separator: "\n```").first)
        let pipeline = try PipelineDefinition(yaml: String(example))
        #expect(try pipeline.graph.topologicalOrder() == ["features", "train", "evaluate"])
    }

    @Test func `placeholders are filled in, with their types`() throws {
        let pipeline = try PipelineDefinition(yaml: Self.restock)
        let values = try PipelineParameter.resolve(pipeline.params, given: ["day": "2017-06-01", "horizon": "21"])
        #expect(values == ["day": "2017-06-01", "horizon": 21, "model": "gbm"])
        let steps = try ["train", "evaluate"].compactMap { try pipeline.step($0)?.resolved(values) }
        #expect(
            steps == [
                ResolvedStep(
                    name: "train", command: ["python", "train.py", "--note", "two words", "--horizon=21"],
                    inputs: [
                        "data": .ref(Ref(.dataset, "sales", selector: "latest")),
                        "slice": .ref(Ref(.slice, "perishable")),
                    ],
                    outputs: ["model": .model("restock-gbm"), "report": .folder, "features": .dataset("features")],
                    params: ["alpha": 0.1, "horizon": 21, "title": "gbm in 2017-06-01"],
                    variables: ["OMP_NUM_THREADS": "2"]),
                ResolvedStep(
                    name: "evaluate", command: ["python", "evaluate.py", "--model", "gbm"],
                    inputs: [
                        "model": .step("train", output: "model"),
                        "test": .ref(Ref(.dataset, "sales", selector: "2017-06-01")),
                    ], outputs: [:],
                    params: ["horizon": 21], variables: [:]),
            ])
    }

    @Test func `triggers match events and take from them`() throws {
        let pipeline = try PipelineDefinition(yaml: Self.restock)
        let alert = pipeline.triggers[1]
        #expect(
            [
                ("monitor.alert", "monitor:restock-waste"), ("monitor.alert", "monitor:other"),
                ("monitor.alerts", "monitor:restock"),
            ].map {
                alert.matches(eventType: $0.0, subject: $0.1)
            } == [true, false, false])
        #expect(try alert.parameters(event: ["data": ["day": "2017-07-01"]]) == ["day": "2017-07-01", "horizon": 7])
        #expect(
            message { _ = try alert.parameters(event: ["data": [:]]) }
                == "The event that started the pipeline has no data.day.")
        #expect(!pipeline.triggers[0].matches(eventType: "monitor.alert", subject: "monitor:restock"))
    }

    /// The steps of a pipeline, and what is said about them.
    static let mistakes: [(steps: String, message: String)] = [
        ("", "steps: are missing; expected 1 to 200 steps."),
        ("- run: x", "steps[0].name: is missing; expected text."),
        ("- train", "steps[0]: is text; expected a step with a name and a run."),
        (
            "- {name: a.b, run: x}",
            "steps[0].name: 'a.b' is not a valid name; expected letters, digits, '-' or '_', beginning with a letter or digit."
        ),
        ("- name: a", "steps.a.run: is missing; expected a command, as in \"python train.py\"."),
        ("- {name: a, run: []}", "steps.a.run: is empty; expected a command."),
        ("- {name: a, run: [x, {}]}", "steps.a.run[1]: is an object; expected text."),
        (
            "- {name: a, run: x > y}",
            "steps.a.run: no shell reads the command, so '>' has no meaning here; expected it in quotes if it is meant as text, or a script of your own that is run."
        ),
        ("- {name: a, run: \"x 'y\"}", "steps.a.run: a quote (') is not closed."),
        (
            "- {name: a, run: x}\n- {name: a, run: y}",
            "steps.a: is there twice; expected a name of its own for each step."
        ),
        (
            "- {name: a, run: x, timeout: 5}",
            "steps.a.timeout: is not a known field; expected one of cache, cpu, environment, inputs, memory, name, needs, network, outputs, params, retries, run, timeout_seconds, variables."
        ),
        ("- {name: a, run: x, retries: many}", "steps.a.retries: is text; expected a whole number."),
        ("- {name: a, run: x, retries: 21}", "steps.a.retries: 21 is out of range; expected 0 to 20."),
        (
            "- {name: a, run: x, timeout_seconds: 0}",
            "steps.a.timeout_seconds: 0.0 is out of range; expected more than 0, at most 30 days."
        ),
        (
            "- {name: a, run: x, memory: lots}",
            "steps.a.memory: 'lots' is not an amount of memory; expected a number and a unit, such as 512MiB or 2GB."
        ),
        ("- {name: a, run: x, memory: 1024}", "steps.a.memory: 1024 bytes is too little; expected at least 16MiB."),
        ("- {name: a, run: x, cpu: .nan}", "steps.a.cpu: nan is out of range; expected 0.01 to 4096 processors."),
        ("- {name: a, run: x, network: yes}", "steps.a.network: is text; expected true or false."),
        ("- {name: a, run: x, needs: [b]}", "steps.a.needs: there is no step 'b'; expected one of a."),
        ("- {name: a, run: x, inputs: {d: steps.b.out}}", "steps.a.inputs.d: there is no step 'b'; expected one of a."),
        (
            "- {name: a, run: x, inputs: {d: steps.b}}",
            "steps.a.inputs.d: 'steps.b' is not usable; expected steps.STEP.OUTPUT."
        ),
        (
            "- {name: a, run: x, inputs: {d: run:1}}",
            "steps.a.inputs.d: 'run:1' is not usable; expected steps.STEP.OUTPUT, or a ref such as dataset:sales@latest, slice:NAME or model:NAME@champion."
        ),
        ("- {name: a, run: x, inputs: {d: 5}}", "steps.a.inputs.d: is a number; expected text."),
        (
            "- {name: a, run: x, inputs: {a-b: slice:x, A.B: slice:y}}",
            "steps.a.inputs: 'A.B' and 'a-b' would share the variable …_A_B; expected names that differ in more than case, '-', '_' and '.'."
        ),
        (
            "- {name: a, run: x, outputs: {o: dir}}\n- {name: b, run: x, inputs: {i: steps.a.p}}",
            "steps.b.inputs.i: step 'a' has no output 'p'; expected one of o."
        ),
        (
            "- {name: a, run: x, outputs: {o: file}}",
            "steps.a.outputs.o: 'file' is not usable; expected dir, dataset:NAME or model:NAME."
        ),
        (
            "- {name: a, run: x, outputs: {o: {dataset: '../x'}}}",
            "steps.a.outputs.o: '../x' is not a valid name; expected 1 to 200 letters, digits, '-', '_' or '.', beginning with a letter or digit."
        ),
        ("- {name: a, run: 'x ${params.q}'}", "steps.a.run[1]: the pipeline has no parameter 'q'; expected one of p."),
        ("- {name: a, run: x, params: [q]}", "steps.a.params.q: the pipeline has no parameter 'q'; expected one of p."),
        (
            "- {name: a, run: [x, '${HOME}']}",
            "steps.a.run[1]: '${HOME}' is not a placeholder; expected ${params.NAME}, or $${ for plain text."
        ),
        (
            "- {name: a, run: [x, '${params.p']}",
            "steps.a.run[1]: '${params.p' does not end; expected ${params.NAME}, or $${ for plain text."
        ),
        (
            "- {name: a, run: [x, '${event.id}']}",
            "steps.a.run[1]: '${event.id}' belongs into a trigger's params; expected ${params.NAME}."
        ),
        (
            "- {name: a, run: x, variables: {SLIPWAY_TOKEN: y}}",
            "steps.a.variables: SLIPWAY_TOKEN is set by Slipway; expected another name; a step's own values belong into its params."
        ),
        (
            "- {name: a, run: x, needs: [c]}\n- {name: b, run: x, needs: [a]}\n- {name: c, run: x, needs: [b]}\n- {name: d, run: x, needs: [a]}",
            "steps: they wait for each other in a circle: a -> c -> b -> a. Remove one of the inputs or needs."
        ),
        (
            "- {name: a, run: x, needs: [a]}",
            "steps: they wait for each other in a circle: a -> a. Remove one of the inputs or needs."
        ),
    ]

    @Test(arguments: mistakes.indices)
    func `mistakes are named with step and field`(_ index: Int) {
        let (steps, expected) = Self.mistakes[index]
        #expect(message { _ = try PipelineDefinition(yaml: "name: p\nparams: {p: 1}\nsteps:\n\(steps)") } == expected)
    }

    static let otherMistakes: [(yaml: String, message: String)] = [
        ("", "The YAML is empty."), ("- a", "pipeline: is a list; expected a mapping with a name and steps."),
        (
            "name: p\nstep: []",
            "step: is not a known field; expected one of defaults, description, experiment, name, params, steps, triggers."
        ),
        ("steps: [{name: a, run: x}]", "name: is missing; expected text."),
        ("name: p\nname: q", "The YAML is not usable at line 1, column 1: name is there twice."),
        ("name: [p", "The YAML is not usable at line 2, column 1: did not find expected ',' or ']'."),
        (
            "name: p\ntriggers:\n  - schedule: */5 * * * *",
            "The YAML is not usable at line 3, column 16: did not find expected alphabetic or numeric character (text that begins with '*', such as a schedule, needs quotes)."
        ),
        (
            "name: p\ntriggers: [{schedule: '* * *'}]",
            "triggers[0].schedule: '* * *' has 3 fields; expected five: minute, hour, day of the month, month, day of the week, as in \"30 3 * * MON-FRI\"."
        ),
        ("name: p\ntriggers: [{}]", "triggers[0]: has neither schedule nor event; expected one of them."),
        (
            "name: p\ntriggers: [{schedule: '@daily', event: x}]",
            "triggers[0]: has both schedule and event; expected one of them."
        ),
        (
            "name: p\ntriggers: [{schedule: '@daily', params: {day: '${event.id}'}}]",
            "triggers[0].params.day: '${event.id}' cannot be used here; expected under an event, ${event.id|type|subject|time} or ${event.data.FIELD}."
        ),
        (
            "name: p\ntriggers: [{schedule: '@daily', params: {q: 1}}]\nsteps: [{name: a, run: x}]",
            "triggers[0].params.q: the pipeline has no such parameter; expected none: there are none."
        ),
        (
            "name: p\nparams: {q: {}}\ntriggers: [{schedule: '@daily'}]\nsteps: [{name: a, run: x}]",
            "triggers[0].params.q: has no default, so each run must set it."
        ),
        (
            "name: p\nparams: {q: 1}\ntriggers: [{event: e, params: {q: x}}]\nsteps: [{name: a, run: x}]",
            "triggers[0].params.q: is 'x'; expected an integer."
        ),
        (
            "name: p\nparams: {q: [1]}",
            "params.q: is a list; expected a default (text, number, true or false), or {type: text} if each run must set it."
        ),
        (
            "name: p\nparams: {q: {type: date}}",
            "params.q.type: 'date' is not a type; expected one of text, integer, number, boolean."
        ),
        ("name: p\nparams: {q: {default: x, type: number}}", "params.q.default: is 'x'; expected a number."),
        ("name: p\nparams: {q: {default: c, choices: [a, b]}}", "params.q.default: is not among the choices."),
        (
            "name: p\ndefaults: {run: x}\nsteps: []",
            "defaults.run: cannot have a default; expected one of cache, cpu, environment, memory, network, retries, timeout_seconds, variables."
        ),
        (
            "name: p\nx: !!python/object y",
            "The YAML is not usable at line 2, column 4: the tag tag:yaml.org,2002:python/object is not supported."
        ),
        (
            "name: p\na: &a {b: 1}\nc: {<<: *a}",
            "The YAML is not usable at line 3, column 5: merge keys (<<) are not supported."
        ),
        ("? [a]\n: b", "The YAML is not usable at line 1, column 3: a key is a list or a mapping."),
    ]

    @Test(arguments: otherMistakes.indices)
    func `other mistakes are named`(_ index: Int) {
        let (yaml, expected) = Self.otherMistakes[index]
        #expect(message { _ = try PipelineDefinition(yaml: yaml) } == expected)
    }

    @Test func `documents that would blow up are refused`() {
        let bomb =
            "a: &a [x,x,x,x,x,x,x,x,x]\n"
            + zip("bcdefghi", "abcdefgh").map {
                "\($0): &\($0) [*\($1),*\($1),*\($1),*\($1),*\($1),*\($1),*\($1),*\($1)]"
            }.joined(separator: "\n")
        let texts = [
            bomb, String(repeating: "[", count: 200_000), String(repeating: "- ", count: 100_000),
            String(repeating: "{a: ", count: 60_000),
            String(repeating: "? ", count: 100_000), String(repeating: "a", count: 300_000),
            (0..<600).map { String(repeating: " ", count: $0) + "a:" }.joined(separator: "\n"),
        ]
        let codes = texts.map { text -> String in
            do { return "\(try YAMLDocument.parse(text))" } catch let error as SlipwayError {
                return error.code.rawValue
            } catch { return "\(error)" }
        }
        #expect(codes == Array(repeating: "too_large", count: texts.count))
    }

    @Test func `YAML scalars are those of the core schema`() throws {
        let text =
            "[1, -2, 1.5, 1e3, .5, true, False, yes, on, null, ~, '1', \"true\", 007, 2017-06-01, 1.2.3, 9223372036854775808, .inf, +1, 0x1F, -, é]"
        #expect(
            try YAMLDocument.parse(text) == [
                1, -2, 1.5, 1000.0, 0.5, true, false, "yes", "on", nil, nil, "1", "true", "007", "2017-06-01", "1.2.3",
                9_223_372_036_854_775_808.0,
                .number(.infinity), 1, "0x1F", "-", "é",
            ])
    }
}
