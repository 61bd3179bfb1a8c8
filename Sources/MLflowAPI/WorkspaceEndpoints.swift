import Core
import Projects
import Web

/// MLflow's workspaces are Slipway's projects. A request with the header `X-MLFLOW-WORKSPACE` acts as its principal
/// confined to that project: what is in other projects is not there, and what it makes belongs to this one.
extension MLflowRoutes {
    /// `workspaces`.
    var workspaceRoutes: [Route] {
        endpoint(.get, "workspaces", version: "3.0", .signedIn, "lists workspaces: the projects that you may read.") {
            [projects] _, principal in
            var (found, after): ([Project], Cursor?) = ([], nil)
            repeat {
                let page = try await projects.list(PageRequest(limit: Limits.pageMaximum, after: after), as: principal)
                found += page.items
                after = page.next
            } while after != nil
            return .mlflow { writer in writer.list("workspaces", found) { $0.fields(of: $1) } }
        }
            + endpoint(.post, "workspaces", version: "3.0", .signedIn, "makes a workspace: a project.") {
                [projects] fields, principal in
                for name in ["default_artifact_root", "trace_archival_config"] where fields[name] != nil {
                    throw Self.unchanged("Artifacts and traces of a workspace are kept by the server; '\(name)'")
                }
                let name = try fields.required("name")
                do {
                    let project = try await projects.create(
                        name: name, owner: nil, description: try fields.text("description") ?? "", goals: [],
                        as: principal)
                    return Self.answer(project, status: 201)
                } catch let error as SlipwayError where error.code == .conflict {
                    throw SlipwayError(.conflict, "Workspace '\(name)' already exists.")
                }
            }
            + rawEndpoint(.get, "mlflow/workspaces/{name}", version: "3.0", .signedIn, "one workspace.") { request in
                Self.answer(try await workspace(request.parameter("name"), as: request.principal))
            }
            + rawEndpoint(.patch, "mlflow/workspaces/{name}", version: "3.0", .signedIn, "not here: a project stays.") {
                request in
                _ = try await workspace(request.parameter("name"), as: request.principal)
                throw Self.unchanged("Changing a workspace")
            }
            + rawEndpoint(.delete, "mlflow/workspaces/{name}", version: "3.0", .signedIn, "not here: a project stays.")
        {
            request in
            _ = try await workspace(request.parameter("name"), as: request.principal)
            throw Self.unchanged("Deleting a workspace")
        }
    }

    /// Answers a request within the workspace that its header names.
    func inWorkspace(_ request: Request, _ handle: @Sendable (Request) async throws -> Response) async throws
        -> Response
    {
        let named = request.header("x-mlflow-workspace")?.filter { $0 != " " && $0 != "\t" } ?? ""
        // Clients ask what the server can do before they know whether there is such a workspace.
        guard !named.isEmpty, !request.path.hasSuffix("/mlflow/server-info"),
            !request.path.contains("/mlflow/workspaces")
        else { return try await handle(request) }
        _ = try await workspace(named, as: request.principal)
        do {
            return try await handle(request.acting(as: request.principal.confined(to: named)))
        } catch let error as SlipwayError where error.code == .forbidden {
            guard let project = error.details["project"], project != named else { throw error }
            throw SlipwayError(.notFound, "What was asked for is not in the workspace '\(named)'.")
        }
    }

    /// - Throws: `notFound` in MLflow's words; `forbidden` for those who may not know.
    private func workspace(_ name: String, as principal: Principal) async throws -> Project {
        do { return try await projects.get(name, as: principal) } catch let error as SlipwayError
            where error.code == .notFound
        {
            throw SlipwayError(.notFound, "Workspace '\(name.prefix(80))' not found")
        }
    }

    private static func answer(_ project: Project, status: Int = 200) -> Response {
        var writer = JSONWriter()
        writer.object { $0.message("workspace") { $0.fields(of: project) } }
        return .json(writer.bytes, status: status)
    }

    private static func unchanged(_ what: String) -> SlipwayError {
        SlipwayError(.unsupported, "\(what) is not implemented in Slipway, where workspaces are projects.")
    }
}

extension JSONWriter {
    fileprivate mutating func fields(of project: Project) {
        field("name", project.name)
        field("description", project.description)
    }
}
