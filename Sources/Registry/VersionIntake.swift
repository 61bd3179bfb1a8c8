import Core
import Database
import Logging
import Objects
import Platform
import Tracking

/// What registering finds out about a source.
struct VersionIntake: Sendable {
    /// The source in its full form: a copy names the version's number.
    var source: String
    var runID: String?
    var loggedModelID: String?
    /// Files to take; nil when the source has none that Slipway holds.
    var files: [ModelFile]?
    var recipe = ModelRecipe()
    var card: ModelCard?
    var lineage: [(source: Ref, relation: String)] = []
}

/// A file of a version, by its path from the model's folder on.
public struct ModelFile: Sendable, Hashable {
    public let path: String
    public let object: ObjectInfo
}

extension RegistryService {
    /// Reads what a source names.
    ///
    /// - Throws: `invalid` when it names a run, model or version that does not exist; `forbidden`.
    func intake(_ request: VersionRequest, as principal: Principal) async throws -> VersionIntake {
        var intake = VersionIntake(source: request.source)
        intake.runID = request.runID.flatMap { $0.isEmpty ? nil : $0 }
        intake.loggedModelID = request.loggedModelID.flatMap { $0.isEmpty ? nil : $0 }
        var owner: ArtifactOwner?
        var folder = ""
        switch try ModelSource(parsing: request.source) {
        case .version(let name, let selector):
            return try await copy(of: Ref(.model, name, selector: selector), intake, as: principal)
        case .loggedModel(let id):
            intake.loggedModelID = id
            owner = .model(id)
        case .run(let id, let path):
            intake.runID = id
            owner = .run(id)
            folder = path
        case .pipelineRun(let id, let step, let output):
            try await read(pipelineRun: id, step: step, output: output, into: &intake, as: principal)
        case .elsewhere: break
        }
        if let id = intake.loggedModelID,
            let model = try await loggedModel(id, required: owner == .model(id), source: request.source, as: principal)
        {
            intake.runID = intake.runID ?? model.sourceRun
            intake.recipe.readParams(model.params.map)
            intake.recipe.metrics = Dictionary(model.metrics.map { ($0.key, $0.point.value) }) { _, last in last }
            intake.lineage.append((model.ref, "registered-from"))
        }
        if let id = intake.runID,
            let run = try await run(id, required: owner == .run(id), source: request.source, as: principal)
        {
            read(run, into: &intake)
            // MLflow 3 keeps a model that a run logs as `model` in a place of its own.
            if owner == .run(id), try await artifacts(of: .run(id), folder, as: principal).isEmpty {
                for id in run.modelOutputs.map(\.model).reversed() {
                    guard let model = try? await tracking.loggedModel(id, as: principal), model.name == folder else {
                        continue
                    }
                    (owner, folder) = (.model(id), "")
                    intake.loggedModelID = id
                    intake.lineage.append((model.ref, "registered-from"))
                    break
                }
            }
        }
        if let owner {
            let files = try await artifacts(of: owner, folder, as: principal)
            if !files.isEmpty { intake.files = files }
        }
        try await readPipeline(&intake, as: principal)
        try await readFiles(&intake)
        return intake
    }

    /// A version of another model, or of the same: files, recipe and signature as they are there.
    private func copy(of ref: Ref, _ intake: VersionIntake, as principal: Principal) async throws -> VersionIntake {
        var intake = intake
        let original = try await resolve(ref, as: principal)
        intake.source = "models:/\(original.name)/\(original.version)"
        intake.runID = intake.runID ?? original.runID
        intake.loggedModelID = intake.loggedModelID ?? original.loggedModelID
        let files = try await files(of: original)
        intake.files = files.isEmpty ? nil : files
        intake.recipe = original.recipe
        intake.card = original.card
        intake.lineage = [(original.ref, "copied-from")]
        return intake
    }

    private func read(_ run: Run, into intake: inout VersionIntake) {
        intake.recipe.readTags(run.tags.map)
        // A logged model's own parameters come first: a run may have trained several.
        intake.recipe.readParams(run.params.map.merging(intake.recipe.params) { _, own in own })
        let own = intake.recipe.metrics
        intake.recipe.metrics = Dictionary(run.metrics.map { ($0.key, $0.point.value) }) { _, last in last }.merging(
            own
        ) { _, own in own }
        intake.recipe.inputs = run.datasets.map {
            ModelRecipe.Input(
                name: $0.slipwayRef?.description ?? $0.name, digest: $0.digest.isEmpty ? nil : $0.digest,
                context: $0.context)
        }
        intake.lineage.append((run.info.ref, "made-by"))
        for dataset in run.datasets {
            if let ref = dataset.slipwayRef { intake.lineage.append((ref, "trained-on")) }
        }
    }

    /// The signature from MLmodel, and the digests of what pins the environment.
    private func readFiles(_ intake: inout VersionIntake) async throws {
        guard let files = intake.files else { return }
        for file in files {
            if ModelRecipe.environmentFiles.contains(file.path) {
                intake.recipe.environment[file.path] = file.object.digest
            }
        }
        guard let card = files.first(where: { $0.path == ModelCard.fileName }),
            card.object.sizeBytes <= Int64(ModelCard.maximumBytes)
        else { return }
        let bytes = try await objects.read(card.object.digest)
        // A broken MLmodel is the model's fault, not the request's: the version is registered without a signature.
        do { intake.card = try ModelCard(parsing: String(decoding: bytes, as: UTF8.self)) } catch {
            platform.logger.warning(
                "The MLmodel file of \(intake.source) cannot be read.", metadata: ["cause": "\(error)"])
        }
    }

    // MARK: Parts

    private func loggedModel(_ id: String, required: Bool, source: String, as principal: Principal) async throws
        -> LoggedModel?
    {
        do { return try await tracking.loggedModel(id, as: principal) } catch let error as SlipwayError
            where error.code == .notFound
        {
            guard required else { return nil }
            throw SlipwayError.field(
                "source", "'\(source.prefix(200))' names the logged model \(id), which does not exist")
        }
    }

    private func run(_ id: String, required: Bool, source: String, as principal: Principal) async throws -> Run? {
        do { return try await tracking.run(id, as: principal) } catch let error as SlipwayError
            where error.code == .notFound
        {
            guard required else { return nil }
            throw SlipwayError.field("source", "'\(source.prefix(200))' names the run \(id), which does not exist")
        }
    }

    /// The files below a folder, with paths from that folder on; none when they are kept elsewhere.
    private func artifacts(of owner: ArtifactOwner, _ folder: String, as principal: Principal) async throws
        -> [ModelFile]
    {
        let below = folder.isEmpty ? nil : try RelativePath(parsing: folder)
        let found: [(path: String, object: ObjectInfo)]
        do { found = try await tracking.artifactFiles(below: below, of: owner, as: principal) } catch let error
            as SlipwayError
            where error.code == .conflict && error.details["state"] == "elsewhere"
        { return [] }
        let prefix = below.map { $0.description.count + 1 } ?? 0
        return found.map { ModelFile(path: String($0.path.dropFirst(prefix)), object: $0.object) }.sorted {
            $0.path < $1.path
        }
    }

    /// The version's own files.
    static func ownFiles(_ db: any Transaction, _ key: VersionKey) throws -> [ModelFile] {
        guard let id = try Manifests.ids(db, owner: key.manifest).first else { return [] }
        return try files(db, manifest: id)
    }

    /// Makes the version's own manifest. The source's manifest holds the objects until this transaction has them.
    func takeFiles(_ db: any Transaction, _ files: [ModelFile], for key: VersionKey, at time: Timestamp) throws {
        let id = try Manifests.create(db, owner: key.manifest, at: time)
        try Manifests.setMany(db, id, files.map { (try RelativePath(parsing: $0.path), $0.object) }, at: time)
    }

    /// The objects become garbage unless something else refers to them.
    func dropFiles(_ db: any Transaction, _ key: VersionKey) throws {
        for id in try Manifests.ids(db, owner: key.manifest) { try Manifests.delete(db, id) }
    }
}
