import Core
import Database
import Ledger
import Objects
import Pipelines

/// Between pipelines and the registry: a step's output of the kind `model:NAME` becomes a version, and a version becomes a
/// step's input.
extension RegistryService {
    /// Registers the model that a pipeline's step left. The event may come twice; the version is made once.
    func register(produced event: Event) async throws {
        guard event.subject.kind == .pipelineRun, let project = event.project,
            let name = event.data["model"]?.stringValue,
            let step = event.data["step"]?.stringValue, let output = event.data["output"]?.stringValue
        else { return }
        // The step acted with a role in its own project only, and so does what follows from it.
        let principal = Principal(name: event.actor, role: nil, grants: [project: .mlEngineer])
        let source = Self.source(ofRun: event.subject.name, step: step, output: output)
        do { _ = try await createModel(name, project: project, as: principal) } catch let error as SlipwayError
            where error.code == .conflict
        {}
        let model = try await model(name, as: principal)
        if try await database.read({ [store] db in try store.hasVersion(db, model: model.id, source: source) }) {
            return
        }
        _ = try await createVersion(
            name, VersionRequest(source: source, description: "Made by \(event.subject), step \(step)."), as: principal)
    }

    /// Puts a version's files into the folder of a step.
    func provide(_ ref: Ref, into folder: String, as principal: Principal) async throws -> Digest {
        let version = try await resolve(ref, as: principal)
        let files = try await files(of: version)
        guard !files.isEmpty else {
            throw SlipwayError(
                .conflict, "\(version.ref) holds no files; its source is \(version.source).",
                details: ["state": "empty"], ref: version.ref)
        }
        for file in files {
            let path = try RelativePath(parsing: file.path)
            let source = try await objects.localPath(file.object.digest)
            // The sandbox shows it read-only.
            try LocalFile.place(source, at: "\(folder)/\(path)", linking: true)
        }
        return Digest.of(files.map { "\($0.object.digest.hex) \($0.path)" }.joined(separator: "\n"))
    }
}
