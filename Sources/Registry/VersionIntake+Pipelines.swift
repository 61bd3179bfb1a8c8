import Core
import Database
import Datasets
import Ledger
import Objects
import Pipelines

extension RegistryService {
    /// The source of what a pipeline's step left as a model.
    static func source(ofRun run: String, step: String, output: String) -> String {
        "pipeline-runs:/\(run)/\(step)/\(output)"
    }

    /// Reads an output of a pipeline's step.
    func read(
        pipelineRun id: String, step: String, output: String, into intake: inout VersionIntake, as principal: Principal
    ) async throws {
        let (run, steps) = try await pipelines.run(id, as: principal)
        guard let result = steps.first(where: { $0.step == step })?.outputs[output] else {
            throw SlipwayError.field("source", "the step \(step) of \(run.ref) has no output \(output)")
        }
        intake.recipe.pipelineRun = run.ref
        intake.recipe.step = step
        let files = try await database.read { db in try Self.files(db, manifest: result.manifest) }
        if !files.isEmpty { intake.files = files }
    }

    /// Adds what the pipeline run knows that made the version: the pipeline's version, its code, the environment, the
    /// exact inputs. What a run merely claims in a tag and the principal may not see adds nothing.
    func readPipeline(_ intake: inout VersionIntake, as principal: Principal) async throws {
        guard let ref = intake.recipe.pipelineRun else { return }
        intake.lineage.append((ref, "made-by"))
        guard let (run, steps) = try? await pipelines.run(ref.name, as: principal),
            let pipeline = try? await pipelines.pipeline(run.pipeline, version: run.version, as: principal)
        else { return }
        intake.recipe.pipeline = pipeline.ref
        intake.recipe.code.pipelineCode = pipeline.codeDigest?.hex ?? intake.recipe.code.pipelineCode
        if intake.recipe.params.isEmpty {
            intake.recipe.readParams(run.params.mapValues { $0.stringValue ?? $0.canonicalText })
        }
        let step = steps.first { $0.step == intake.recipe.step }
        if let environment = step?.recipe?["environment"]?.stringValue, let digest = try? Digest(parsing: environment) {
            intake.recipe.environment["python"] = digest
        }
        let known = Set(intake.recipe.inputs.map(\.name))
        for input in try await exactInputs(of: run, steps, pipeline, as: principal)
        where input.step == intake.recipe.step {
            if !known.contains(input.exact.description) {
                intake.recipe.inputs.append(.init(name: input.exact.description, digest: input.digest, context: nil))
            }
            intake.lineage.append((input.exact, "trained-on"))
        }
    }

    /// A ref that a step named, and what it stood for in a run.
    struct ExactInput: Sendable {
        let step: String
        let written: Ref
        let exact: Ref
        let digest: String?
    }

    /// What the refs in a pipeline stood for in one of its runs: dataset versions by their digests, slices by the run's
    /// lineage, models' aliases by their history.
    func exactInputs(of run: PipelineRun, _ steps: [StepRun], _ pipeline: PipelineVersion, as principal: Principal)
        async throws -> [ExactInput]
    {
        let edges = try await ledger.lineage(of: run.ref, .upstream, depth: 1).filter { $0.relation == "input" }.map(
            \.source)
        var found: [ExactInput] = []
        for step in pipeline.definition.steps {
            let digests = steps.first { $0.step == step.name }?.recipe?["inputs"]
            for (name, source) in try step.resolved(run.params).inputs.sorted(by: { $0.key < $1.key }) {
                guard case .ref(let original) = source else { continue }
                let written = try run.pins[original.description].map { try Ref(parsing: $0) } ?? original
                let digest = digests?[name]?.stringValue
                guard let exact = try await exact(written, digest: digest, among: edges, at: run.started ?? run.created)
                else { continue }
                found.append(ExactInput(step: step.name, written: original, exact: exact, digest: digest))
            }
        }
        return found
    }

    private func exact(_ written: Ref, digest: String?, among edges: [Ref], at time: Timestamp) async throws -> Ref? {
        if written.version != nil, written.kind != .slice { return written }
        switch written.kind {
        case .dataset:
            if let digest = digest.flatMap({ try? Digest(parsing: $0) }),
                let version = try await datasets.version(digest: digest),
                version.dataset == written.name
            {
                return version.ref
            }
            return edges.filter { $0.kind == .dataset && $0.name == written.name }.max {
                ($0.version ?? 0) < ($1.version ?? 0)
            }
        case .slice:
            // `slice:weekend@2.5`, version 2 on version 5 of its dataset; a run pins each slice once.
            let wanted = written.selector.map { [$0, $0 + "."] } ?? [""]
            return edges.filter { edge in
                edge.kind == .slice && edge.name == written.name
                    && (edge.selector == wanted[0] || (edge.selector ?? "").hasPrefix(wanted[wanted.count - 1]))
            }.max { ($0.selector ?? "") < ($1.selector ?? "") } ?? (written.version == nil ? nil : written)
        case .model:
            let alias = written.selector ?? "champion"
            return try await database.read { [store] db in
                guard let model = try? store.model(db, written.name) else { return nil }
                let then = try store.aliasHistory(db, model: model.id, alias: alias, limit: 10_000).first {
                    $0.from <= time && ($0.until.map { time < $0 } ?? true)
                }
                return then.map { Ref(.model, written.name, version: $0.version) }
            }
        default: return nil
        }
    }

    /// All files of a manifest.
    static func files(_ db: any Transaction, manifest: String) throws -> [ModelFile] {
        var found: [ModelFile] = []
        var page: PageRequest? = PageRequest(limit: 1000)
        while let request = page {
            let entries = try Manifests.entries(db, manifest, request)
            found += entries.items.map { ModelFile(path: $0.path, object: $0.object) }
            page = entries.next.map { PageRequest(limit: 1000, after: $0) }
        }
        return found.sorted { $0.path < $1.path }
    }
}
