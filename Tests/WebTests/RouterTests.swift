import Core
import Testing

@testable import Web

/// A route that answers with its own path and what it captured.
func echo(_ method: Web.Method, _ path: String, _ permission: Permission = .signedIn) -> Route {
    Route(method, path, permission, "Echoes.") { request in
        let names = path.split(separator: "/").filter { $0.first == "{" }.map { $0.filter { !"{+}".contains($0) } }
        return .json(["route": .string(path), "got": JSONValue(names.map { request.parameter($0) })])
    }
}

@Suite struct RouterTests {
    static let router = Router([
        echo(.get, "/"), echo(.get, "/datasets"), echo(.post, "/datasets"), echo(.get, "/datasets/{name}"),
        echo(.get, "/datasets/new"), echo(.get, "/datasets/{name}/versions/{version}"),
        echo(.get, "/datasets/new/files/{path+}"), echo(.get, "/datasets/{name}/files/{path+}"),
        echo(.put, "/datasets/{name}/files/{path+}"), echo(.delete, "/datasets/{name}/files/all"),
        echo(.get, "/datasets/{name}/{rest+}"),
    ])

    /// The route and its captures, or the error's code and what it allows.
    static func find(_ method: Web.Method, _ path: String) -> [String] {
        do {
            let (route, parameters) = try router.match(method, path)
            return [route.path] + route.parameterNames.map { parameters[$0] ?? "?" }
        } catch let error as SlipwayError {
            return [error.code.rawValue, error.details["allow"] ?? error.details["field"] ?? ""]
        } catch { return ["\(error)"] }
    }

    @Test func `literals beat parameters and those beat rests`() {
        let cases: [(Web.Method, String, [String])] = [
            (.get, "/", ["/"]),
            (.get, "/datasets", ["/datasets"]),
            (.get, "/datasets/", ["/datasets"]),
            (.get, "/datasets/new", ["/datasets/new"]),
            (.get, "/datasets/newer", ["/datasets/{name}", "newer"]),
            (.head, "/datasets/sales", ["/datasets/{name}", "sales"]),
            (.get, "/datasets/sales/versions/3", ["/datasets/{name}/versions/{version}", "sales", "3"]),
            // The literal branch leads nowhere here, so the parameter's is taken.
            (.get, "/datasets/new/versions/3", ["/datasets/{name}/versions/{version}", "new", "3"]),
            (.get, "/datasets/new/files/a/b", ["/datasets/new/files/{path+}", "a/b"]),
            (.put, "/datasets/new/files/a/b", ["/datasets/{name}/files/{path+}", "new", "a/b"]),
            (.head, "/datasets/s/files/a/b.parquet", ["/datasets/{name}/files/{path+}", "s", "a/b.parquet"]),
            (.get, "/datasets/s/files/all", ["/datasets/{name}/files/{path+}", "s", "all"]),
            (.get, "/datasets/s/other/1/2", ["/datasets/{name}/{rest+}", "s", "other/1/2"]),
            // Captures are decoded after the path is split: an escaped slash does not split it.
            (.get, "/datasets/a%2Fb%20%C3%A9+", ["/datasets/{name}", "a/b é+"]),
            (.get, "/datasets/%64atasets", ["/datasets/{name}", "datasets"]),
            (.get, "/datasets/%ff", ["invalid", "name"]),
            (.get, "/datasets/%4", ["invalid", "name"]),
            (.get, "/datasets/%+1", ["invalid", "name"]),
            (.get, "/datasets/%-0", ["invalid", "name"]),
            (.get, "/datasets/%zz", ["invalid", "name"]),
            (.get, "/nothing", ["not_found", ""]),
            (.post, "/datasets/sales", ["unsupported", "GET, HEAD"]),
            (.patch, "/datasets", ["unsupported", "GET, HEAD, POST"]),
            (.delete, "/datasets/s/files/x", ["unsupported", "GET, HEAD, PUT"]),
            (.post, "/datasets/s/files/all", ["unsupported", "DELETE, GET, HEAD, PUT"]),
        ]
        let wrong = cases.filter { Self.find($0.0, $0.1) != $0.2 }.map { "\($0.0) \($0.1): \(Self.find($0.0, $0.1))" }
        #expect(wrong == [])
    }

    @Test func `the OpenAPI document holds exactly the routes`() throws {
        let document = OpenAPI.document(Self.router.routes, version: "1")
        var listed: Set<String> = []
        var parameters: Set<[String]> = []
        for (path, operations) in document["paths"]?.objectValue ?? [:] {
            for (method, operation) in operations.objectValue ?? [:] {
                listed.insert("\(method.uppercased()) \(path)")
                let names = operation["parameters"]?.arrayValue?.compactMap { $0["name"]?.stringValue } ?? []
                parameters.insert([path] + names)
            }
        }
        let routes = Set(Self.router.routes.map { "\($0.method.rawValue) \($0.path.filter { $0 != "+" })" })
        #expect(listed == routes)
        #expect(parameters.contains(["/datasets/{name}/files/{path}", "name", "path"]))
    }
}
