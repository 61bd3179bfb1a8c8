import Core
import Objects
import Platform
import Tables
import Transport
import Web

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// HTTP in, HTTP out: pages of rows, and whole tables.
struct RowsRoutes {
    let service: DatasetsService

    static let arrow = RowFormat.arrow.mediaType

    static let view: [Route.Parameter] = [
        .init("filter", "price > 2 AND store = '31'."),
        .init("search", "Text that any column of text contains, whatever its case."),
        .init("columns", "Names, separated by commas."), .init("order", "price DESC, day."),
    ]

    private static let paging: [Route.Parameter] = [
        .init("limit", "Rows a page, 100 by default."), .init("after", "The 'next' of another page."),
        .init("before", "The 'previous' of another page: the rows before it."),
        .init("at", "The number of the first row, from 0, in this order and filter."),
        .init("format", "json, or arrow for a stream of Arrow's IPC format (also by Accept)."),
    ]

    private static let sliceVersion: [Route.Parameter] = [.init("version", "A number; the newest by default.")]

    private static let whole: [Route.Parameter] = [
        .init("limit", "At most so many rows."), .init("format", "arrow (default), csv or parquet; also by Accept."),
    ]

    var routes: [Route] {
        let version = "/api/v1/datasets/{name}/versions/{version}"
        let slice = "/api/v1/slices/{name}"
        return [
            Route(
                .get, version + "/rows", .signedIn, "A page of rows, at any depth.", query: Self.view + Self.paging
            ) { request in try await rows(VersionsRoutes.ref(request), request) },
            Route(
                .get, slice + "/rows", .signedIn, "A page of a slice's rows.",
                query: Self.sliceVersion + Self.view + Self.paging
            ) { request in try await rows(SlicesRoutes.ref(request), request) },
            Route(
                .get, version + "/data", .signedIn, "All rows, as a stream.", query: Self.view + Self.whole
            ) { request in try await data(VersionsRoutes.ref(request), request) },
            Route(
                .get, slice + "/data", .signedIn, "All rows of a slice, as a stream.",
                query: Self.sliceVersion + Self.view + Self.whole
            ) { request in try await data(SlicesRoutes.ref(request), request) },
        ]
    }

    // MARK: Pages

    private func rows(_ ref: Ref, _ request: Request) async throws -> Response {
        let limit = try request.page(maximum: Limits.pageMaximum).limit
        let (query, place) = (Self.query(request), try Self.place(request))
        if try Self.format(request, ["json", "arrow"], default: "json") == "arrow" {
            let page = try await service.arrowRows(ref, query, place, limit: limit, as: request.principal)
            var response = Response(status: 200, headers: [("Content-Type", Self.arrow)], body: .bytes(page.rows))
            for (name, value) in [("Next", page.next), ("Previous", page.previous)] {
                if let value { response = response.header("X-Slipway-\(name)", value.description) }
            }
            if let total = page.total { response = response.header("X-Slipway-Total", String(total)) }
            return response
        }
        let (page, files) = try await service.rows(ref, query, place, limit: limit, as: request.principal)
        var fields = ViewRoutes.json(page.rows).objectValue ?? [:]
        fields["truncated"] = .bool(page.hasAfter)
        fields["rowNumbers"] = .array(page.rowNumbers.map { .int($0) })
        fields["next"] = page.next.map { .string($0.description) }
        fields["previous"] = page.previous.map { .string($0.description) }
        fields["position"] = page.position.map { .int($0) }
        fields["total"] = page.total.map { .int($0) }
        fields["files"] = files.map { .array($0.map(\.json)) }
        return .json(.object(fields))
    }

    private static func query(_ request: Request) -> RowsQuery {
        RowsQuery(
            filter: request.query("filter"), search: request.query("search"),
            columns: request.query("columns").map { $0.split(separator: ",").map(String.init) } ?? [],
            order: request.query("order"))
    }

    private static func place(_ request: Request) throws -> PageQuery.Place {
        let given = ["after", "before", "at"].compactMap { name in request.query(name).map { (name, $0) } }
        guard given.count <= 1 else {
            throw SlipwayError.field(given.map(\.0).joined(separator: ", "), "stand together", expected: "one of them")
        }
        switch given.first {
        case ("after", let text)?: return .after(try RowPlace(cursor: text, field: "after"))
        case ("before", let text)?: return .before(try RowPlace(cursor: text, field: "before"))
        case (_, let text)?:
            guard let number = Int64(text), number >= 0 else {
                throw SlipwayError.field(
                    "at", "'\(text.prefix(40))' is not the number of a row", expected: "a whole number from 0")
            }
            return .at(number)
        case nil: return .start
        }
    }

    /// What the client asked for, by `?format=` or else by `Accept`.
    static func format(_ request: Request, _ known: [String], default fallback: String) throws -> String {
        if let name = request.query("format") {
            guard known.contains(name) else {
                throw SlipwayError.field(
                    "format", "'\(name.prefix(40))' is not known here", expected: known.joined(separator: ", "))
            }
            return name
        }
        let accept = request.header("accept")?.lowercased() ?? ""
        let types = ["arrow": arrow, "csv": "text/csv", "parquet": "application/vnd.apache.parquet"]
        return known.first { name in types[name].map { accept.contains($0) } ?? false } ?? fallback
    }

    // MARK: Whole tables

    private func data(_ ref: Ref, _ request: Request) async throws -> Response {
        let known = DatasetsService.DataFormat.allCases.map(\.rawValue)
        let name = try Self.format(request, known, default: "arrow")
        guard let format = DatasetsService.DataFormat(rawValue: name) else {
            throw SlipwayError(.internal, "A format is not known.")
        }
        let limit = try request.query("limit").map { text in
            guard let limit = Int(text), limit >= 0 else {
                throw SlipwayError.field("limit", "is not a number of rows", expected: "a whole number")
            }
            return limit
        }
        let (answer, version) = try await service.data(
            ref, Self.query(request), limit: limit, as: format, by: request.principal)
        return Self.response(answer, service).header("X-Slipway-Version", version.ref.description)
    }

    static func response(_ answer: DatasetsService.DataAnswer, _ service: DatasetsService) -> Response {
        let parquet = [(name: "Content-Type", value: "application/vnd.apache.parquet")]
        switch answer {
        case .stream(let stream): return response(stream)
        case .object(let file):
            let bytes = service.platform.objects.stream(file.digest)
            return Response(
                status: 200, headers: parquet,
                body: .stream(length: file.sizeBytes) { writer in
                    for try await piece in bytes { try await writer.write(piece) }
                })
        case .file(let path, let folder, let size):
            let file = ScratchFile(path: path, folder: folder)
            return Response(
                status: 200, headers: parquet,
                body: .stream(length: size) { writer in
                    while case let piece = try await file.read(), !piece.isEmpty { try await writer.write(piece) }
                })
        }
    }

    static func response(_ stream: TableStream) -> Response {
        Response(
            status: 200, headers: [("Content-Type", stream.format.mediaType)],
            body: .stream(length: nil) { writer in
                // What fails from here on cuts the connection before its end, which clients notice.
                try await stream.send { try await writer.write($0) }
            })
    }
}

/// A file of work under way that is sent once; its folder goes with it, sent or not.
private final class ScratchFile: Sendable {
    private let folder: String
    private let descriptor: Int32

    init(path: String, folder: String) {
        self.folder = folder
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
        removeFolder(folder)
    }

    /// The next bytes; none at the end.
    func read() async throws -> [UInt8] {
        try await fileWork.run { [descriptor] _ in
            var buffer = [UInt8](repeating: 0, count: 1 << 20)
            #if canImport(Glibc)
                let count = Glibc.read(descriptor, &buffer, buffer.count)
            #else
                let count = Darwin.read(descriptor, &buffer, buffer.count)
            #endif
            guard count >= 0 else { throw SlipwayError(.unavailable, "A file of this answer cannot be read.") }
            return Array(buffer.prefix(count))
        }
    }
}

extension TablePage {
    var next: Cursor? { hasAfter ? last?.cursor : nil }
    var previous: Cursor? { hasBefore ? first?.cursor : nil }
}

extension RowPlace {
    var cursor: Cursor { Cursor([.int(row)] + (position.map { [.int($0)] } ?? [])) }

    init(cursor text: String, field: String) throws {
        let keys = try Cursor(parsing: text).keys.map(\.intValue)
        guard (1...2).contains(keys.count), keys.allSatisfy({ $0.map { $0 >= 0 } ?? false }), let row = keys[0] else {
            throw SlipwayError.field(
                field, "is not a cursor of rows", expected: "the 'next' or 'previous' of a page, unchanged")
        }
        self.init(row: row, position: keys.count > 1 ? keys[1] : nil)
    }
}
