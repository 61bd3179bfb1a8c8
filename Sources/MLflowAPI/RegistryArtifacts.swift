import Core
import Objects
import Registry
import Tracking
import Web

/// A version's own files as artifacts, at `mlflow-artifacts:/registered-models/MODEL-ID/VERSION`: they are there however
/// the run that logged them has fared.
extension MLflowRoutes {
    var versionArtifactRoutes: [Route] {
        let place = "mlflow-artifacts/artifacts/" + RegistryService.artifactFolder
        return rawEndpoint(.get, place + "/{model}/{version}/{path+}", .readModels, "the bytes of a version's file.") {
            [tracking, registry] request in
            let version = try await registry.version(
                modelID: request.parameter("model"), request.intParameter("version"), as: request.principal)
            let path = try RelativePath(parsing: request.parameter("path"))
            let file = try await registry.file(path.description, of: version)
            return .artifact(file.object, path: path, for: request, from: tracking.objects)
        }
            + [
                Route(
                    .get, "/model-versions/get-artifact", .readModels, "MLflow: the bytes of a version's file.",
                    query: [.init("name", "The model."), .init("version", "The version."), .init("path", "The file.")],
                    wire: .mlflow
                ) { [tracking, registry] request in
                    let fields = try await MLflowFields(request)
                    guard let number = try fields.int("version") else { throw fields.missing("version") }
                    let version = try await registry.version(
                        fields.required("name"), Int(number), as: request.principal)
                    let file = try await registry.file(fields.required("path"), of: version)
                    return .artifact(
                        file.object, path: try RelativePath(parsing: file.path), for: request, from: tracking.objects)
                }
            ]
    }

    /// The listing of a folder of a version; nil when the path is not a version's.
    ///
    /// - Parameter path: what follows `mlflow-artifacts:/`.
    func versionListing(_ path: String, as principal: Principal) async throws -> Response? {
        let parts = try RelativePath(parsing: path.hasSuffix("/") ? String(path.dropLast()) : path).components
        guard parts.count >= 3, parts[0] == RegistryService.artifactFolder, let number = Int(parts[2]) else {
            return nil
        }
        let version = try await registry.version(modelID: parts[1], number, as: principal)
        let prefix = parts.count > 3 ? parts[3...].joined(separator: "/") + "/" : ""
        // Names below the folder: nil for folders.
        var found: [String: Int64?] = [:]
        for file in try await registry.files(of: version) where file.path.hasPrefix(prefix) {
            let rest = file.path.dropFirst(prefix.count).split(separator: "/", maxSplits: 1)
            guard let name = rest.first.map(String.init) else { continue }
            found.updateValue(rest.count > 1 ? nil : file.object.sizeBytes, forKey: name)
        }
        return .mlflow { writer in
            writer.list("files", found.sorted { $0.key < $1.key }) { writer, item in
                writer.field("path", item.key)
                writer.key("is_dir")
                writer.write(item.value == nil)
                writer.field("file_size", item.value)
            }
        }
    }
}
