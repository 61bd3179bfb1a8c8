import Core

/// Finds the route of a method and a path. Literal parts win over `{parameters}`, those over `{rest+}`.
public struct Router: Sendable {
    private struct Node: Sendable {
        var literals: [String: Int] = [:]
        var parameter: Int?
        var rest: [Method: Int] = [:]
        var routes: [Method: Int] = [:]
    }

    public let routes: [Route]
    private var nodes = [Node()]

    public init(_ routes: [Route]) {
        self.routes = routes
        for (index, route) in routes.enumerated() { insert(route, index) }
    }

    private mutating func insert(_ route: Route, _ index: Int) {
        var at = 0
        for part in route.path.split(separator: "/").map(String.init) {
            if part.hasSuffix("+}") {
                precondition(
                    nodes[at].rest.updateValue(index, forKey: route.method) == nil,
                    "two routes for \(route.method) \(route.path)")
                return
            }
            let existing = part.hasPrefix("{") ? nodes[at].parameter : nodes[at].literals[part]
            if let existing {
                at = existing
            } else {
                nodes.append(Node())
                if part.hasPrefix("{") {
                    nodes[at].parameter = nodes.count - 1
                } else {
                    nodes[at].literals[part] = nodes.count - 1
                }
                at = nodes.count - 1
            }
        }
        precondition(
            nodes[at].routes.updateValue(index, forKey: route.method) == nil,
            "two routes for \(route.method) \(route.path)")
    }

    /// The route and its decoded parameters.
    ///
    /// - Throws: `notFound` for unknown paths, `unsupported` where the path exists for other methods only.
    public func match(_ method: Method, _ path: String) throws -> (route: Route, parameters: [String: String]) {
        let parts = path.split(separator: "/", omittingEmptySubsequences: true)
        var otherMethods: Set<Method> = []
        guard let (index, captures) = search(0, parts[...], [], method, &otherMethods) else {
            if otherMethods.isEmpty {
                throw SlipwayError(
                    .notFound, "There is nothing at \(path.prefix(200)). GET /api/v1/openapi.json lists what there is.")
            }
            if otherMethods.contains(.get) { otherMethods.insert(.head) }
            let allowed = otherMethods.map(\.rawValue).sorted().joined(separator: ", ")
            throw SlipwayError(
                .unsupported, "\(path.prefix(200)) does not take \(method.rawValue); it takes \(allowed).",
                details: ["allow": allowed])
        }
        let route = routes[index]
        var parameters: [String: String] = [:]
        for (name, raw) in zip(route.parameterNames, captures) {
            guard let value = percentDecode(raw) else {
                throw SlipwayError.field(name, "is not percent-encoded UTF-8")
            }
            parameters[name] = value
        }
        return (route, parameters)
    }

    private func search(
        _ at: Int, _ parts: ArraySlice<Substring>, _ captures: [Substring], _ method: Method,
        _ others: inout Set<Method>
    ) -> (Int, [Substring])? {
        guard let part = parts.first else {
            // HEAD is answered by GET's route.
            if let index = nodes[at].routes[method] ?? (method == .head ? nodes[at].routes[.get] : nil) {
                return (index, captures)
            }
            others.formUnion(nodes[at].routes.keys)
            return nil
        }
        if let next = nodes[at].literals[String(part)],
            let found = search(next, parts.dropFirst(), captures, method, &others)
        {
            return found
        }
        if let next = nodes[at].parameter,
            let found = search(next, parts.dropFirst(), captures + [part], method, &others)
        {
            return found
        }
        if let index = nodes[at].rest[method] ?? (method == .head ? nodes[at].rest[.get] : nil) {
            return (index, captures + [Substring(parts.joined(separator: "/"))])
        }
        others.formUnion(nodes[at].rest.keys)
        return nil
    }
}

/// Decodes `%41`; nil when the result is not UTF-8 or an escape is broken.
public func percentDecode(_ text: some StringProtocol, plusIsSpace: Bool = false) -> String? {
    let bytes = Array(text.utf8)
    guard bytes.contains(37) || (plusIsSpace && bytes.contains(43)) else { return String(text) }
    var out: [UInt8] = []
    out.reserveCapacity(bytes.count)
    var i = 0
    while i < bytes.count {
        if bytes[i] == 37 {
            guard i + 2 < bytes.count, let high = hexDigit(bytes[i + 1]), let low = hexDigit(bytes[i + 2]) else {
                return nil
            }
            out.append(high << 4 | low)
            i += 3
        } else {
            out.append(plusIsSpace && bytes[i] == 43 ? 32 : bytes[i])
            i += 1
        }
    }
    return String(validating: out, as: UTF8.self)
}

private func hexDigit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 48...57: byte - 48
    case 65...70: byte - 55
    case 97...102: byte - 87
    default: nil
    }
}
