import Core
import Database
import Ledger
import Objects
import Platform
import Tracking

extension RegistryService {
    /// The version that a ref names: `model:NAME@5`, `model:NAME@champion`, `model:NAME@latest`. A bare `model:NAME` is the
    /// holder of `champion`, else the newest version that is approved; where the policy asks for no approvals, the newest.
    ///
    /// - Throws: `notFound`; `invalid` for refs of other kinds.
    public func resolve(_ ref: Ref, as principal: Principal) async throws -> ModelVersion {
        guard ref.kind == .model else {
            throw SlipwayError.field("model", "\(ref) is not a model", expected: "a ref such as model:restock@champion")
        }
        return try await database.read { [self] db in
            let model = try model(db, ref.name, .readModels, principal)
            if let number = ref.version { return try store.version(db, model, number) }
            if let alias = ref.selector { return try version(db, model, alias: alias) }
            if let number = model.aliases["champion"] { return try store.version(db, model, number) }
            if model.policy.approvalsRequired == 0 { return try version(db, model, alias: "latest") }
            let order = try RegistrySearch(subject: .versions, dialect: db.dialect).order(["version_number DESC"])
            let newest = try store.versions(db, where: "v.model = \(model.id)", order: order, after: nil, limit: 1000)
            guard let approved = newest.first(where: { $0.approval == .approved }) else {
                throw SlipwayError(.notFound, "\(ref) has no champion and no approved version.", ref: ref)
            }
            return approved
        }
    }

    /// The version's files by path, from the model's folder on. A version that was registered before its files were
    /// uploaded takes them at the first look.
    public func files(of version: ModelVersion) async throws -> [ModelFile] {
        let own = try await database.read { db in try Self.ownFiles(db, version.key) }
        if !own.isEmpty || version.hasFiles { return own }
        return try await adopt(version)
    }

    /// One of the version's files.
    ///
    /// - Throws: `notFound`.
    public func file(_ path: String, of version: ModelVersion) async throws -> ModelFile {
        let path = try RelativePath(parsing: path)
        let own = try await database.read { db in
            try Manifests.ids(db, owner: version.key.manifest).first.flatMap { try Manifests.entry(db, $0, path: path) }
        }
        if let own { return ModelFile(path: own.path, object: own.object) }
        let files = try await files(of: version)
        guard let found = files.first(where: { $0.path == path.description }) else {
            let some = files.prefix(20).map(\.path).joined(separator: ", ")
            throw SlipwayError(
                .notFound, "\(version.ref) has no file \(path); it has \(files.isEmpty ? "none" : some).",
                details: ["path": path.description],
                ref: version.ref)
        }
        return found
    }

    /// A local file, only to be read, with the bytes of one of the version's files.
    public func localFile(of version: ModelVersion, _ path: String) async throws -> String {
        try await objects.localPath(file(path, of: version).object.digest)
    }

    /// A local file with the version's ONNX model: the one that the flavor `onnx` names, else the only `*.onnx`. Files
    /// that may hold its tensors (ONNX's external data, which is named relative to the model) lie beside it.
    ///
    /// - Throws: `unsupported` when it has none, or several and no flavor that says which.
    public func onnxFile(of version: ModelVersion) async throws -> String {
        let model = try await onnxEntry(of: version)
        let folder = model.path.split(separator: "/").dropLast().joined(separator: "/")
        let beside = try await files(of: version).filter { file in
            file != model && (folder.isEmpty || file.path.hasPrefix(folder + "/")) && Self.mayHoldTensors(file.path)
        }
        if beside.isEmpty { return try await objects.localPath(model.object.digest) }
        let place = "\(platform.dataDirectory)/tmp/models/\(version.modelID)-\(version.version)"
        let path = "\(place)/\(model.path)"
        if FilePlacement.exists(path) { return path }
        var sources: [(path: String, source: String)] = []
        for file in beside + [model] {
            sources.append((file.path, try await objects.localPath(file.object.digest)))
        }
        try FilePlacement.fill(place, with: sources)
        return path
    }

    /// The version's card when it has to be asked in Python: it has MLflow's flavor `python_function` and no ONNX model.
    public func pythonCard(of version: ModelVersion) async throws -> ModelCard? {
        var card = version.card
        if card == nil { card = try await self.card(among: try await files(of: version)) }
        guard let card, card.flavors["python_function"] != nil, card.onnxPath == nil else { return nil }
        return card
    }

    /// A local folder, only to be read, with all of the version's files.
    public func localFolder(of version: ModelVersion) async throws -> String {
        let place = "\(platform.dataDirectory)/tmp/models/\(version.modelID)-\(version.version)-all"
        if FilePlacement.exists(place) { return place }
        var sources: [(path: String, source: String)] = []
        for file in try await files(of: version) {
            sources.append((file.path, try await objects.localPath(file.object.digest)))
        }
        try FilePlacement.fill(place, with: sources)
        return place
    }

    /// What mlflow and people put beside a model is text; tensors are not.
    private static func mayHoldTensors(_ path: String) -> Bool {
        let name = path.split(separator: "/").last.map { $0.lowercased() } ?? ""
        let text = [".yaml", ".yml", ".txt", ".json", ".md", ".py", ".csv", ".toml", ".html", ".png", ".onnx"]
        return name != "mlmodel" && !text.contains { name.hasSuffix($0) }
    }

    /// The file behind `onnxFile`: its digest names the model's bytes for caches.
    public func onnxEntry(of version: ModelVersion) async throws -> ModelFile {
        let files = try await files(of: version)
        // A version that was registered before its files came has its card in the files only.
        var card = version.card
        if card == nil { card = try await self.card(among: files) }
        let named = card?.onnxPath
        let candidates = files.filter { $0.path == named || (named == nil && $0.path.lowercased().hasSuffix(".onnx")) }
        guard let only = candidates.first, candidates.count == 1 else {
            let problem =
                if files.isEmpty {
                    version.hasFiles ? "has no files" : "has no files here: its source is \(version.source)"
                } else if candidates.isEmpty {
                    "has no ONNX file; it has \(files.prefix(20).map(\.path).joined(separator: ", "))"
                } else {
                    "has several ONNX files (\(candidates.map(\.path).joined(separator: ", "))) and no MLmodel that says which"
                }
            throw SlipwayError(
                .unsupported,
                "\(version.ref) \(problem). Log the model with mlflow.onnx.log_model, or log one .onnx file.",
                ref: version.ref)
        }
        return only
    }

    private func card(among files: [ModelFile]) async throws -> ModelCard? {
        guard let file = files.first(where: { $0.path == ModelCard.fileName }),
            file.object.sizeBytes <= Int64(ModelCard.maximumBytes)
        else { return nil }
        return try? ModelCard(parsing: String(decoding: try await objects.read(file.object.digest), as: UTF8.self))
    }

    /// Takes the files that have come to the source since the version was registered.
    private func adopt(_ version: ModelVersion) async throws -> [ModelFile] {
        let request = VersionRequest(source: version.source, runID: version.runID, loggedModelID: version.loggedModelID)
        // The version's own maker could read the source when it was registered, so Slipway may finish the work.
        guard let intake = try? await intake(request, as: .system), let files = intake.files else { return [] }
        let now = now
        let key = version.key
        try await database.write { [self] db in
            // Another may have been quicker.
            guard try Manifests.ids(db, owner: key.manifest).isEmpty else { return }
            try takeFiles(db, files, for: key, at: now)
            try store.setContent(db, key, recipe: intake.recipe, card: intake.card, at: now)
            for (source, relation) in intake.lineage { try ledger.link(db, version.ref, madeFrom: source, relation) }
            try ledger.append(
                db, "model.version.files.taken", version.ref, project: version.project, by: .system,
                data: ["files": JSONValue(files.count)])
        }
        return try await database.read { db in try Self.ownFiles(db, key) }
    }
}

// MARK: As artifacts

extension RegistryService {
    /// The folder of `mlflow-artifacts:/` below which versions' own files are: `registered-models/MODEL-ID/VERSION`.
    public static let artifactFolder = "registered-models"

    /// Where MLflow's clients download a version: its own files, which stay however the run fares; for a version that
    /// holds none, the source as it was registered.
    public func location(of version: ModelVersion, as principal: Principal) async throws -> String {
        if try await !files(of: version).isEmpty {
            return "\(ArtifactLocation.scheme)\(Self.artifactFolder)/\(version.modelID)/\(version.version)"
        }
        switch try ModelSource(parsing: version.source) {
        case .loggedModel(let id): return try await tracking.loggedModel(id, as: principal).artifactLocation
        case .run(let id, let path):
            let root = try await tracking.runInfo(id, as: principal).artifactLocation
            return path.isEmpty ? root : "\(root)/\(path)"
        case .version(let name, let selector):
            let original = try await resolve(Ref(.model, name, selector: selector), as: principal)
            return try await location(of: original, as: principal)
        case .pipelineRun, .elsewhere: return version.source
        }
    }

    /// A version by the id of its model, which renaming does not change.
    ///
    /// - Throws: `notFound`.
    public func version(modelID: String, _ number: Int, as principal: Principal) async throws -> ModelVersion {
        try await database.read { [self] db in
            guard let name = try store.name(db, id: modelID) else { throw SlipwayError.notFound(Ref(.model, modelID)) }
            return try version(db, name, number, .readModels, principal).1
        }
    }

    /// A file's bytes.
    public func stream(of file: ModelFile) -> ObjectStream { objects.stream(file.object.digest) }
}
