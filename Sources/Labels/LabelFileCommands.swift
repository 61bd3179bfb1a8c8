import Archives
import ArgumentParser
import Client
import CommandKit
import Core

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

extension LabelCommand {
    struct Import: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Take labels that another tool wrote.",
            discussion: """
                Examples:
                  slipway label import cats instances.json --format coco
                  slipway label import cats yolo-export/ --format yolo --prefix images/
                  slipway label import moods project.json --format label-studio
                """)
        @Argument(help: "The task.") var task: String
        @Argument(help: "The file; of yolo and voc: the folder, or its zip or tar.") var path: String
        @Option(help: "coco, yolo, voc, label-studio or csv.") var format: String
        @Option(help: "Who said it, where the file does not say (default: you).") var annotator: String?
        @Option(help: "Take it as what this model said: model:cats@3.") var model: String?
        @Option(help: "Put before each file name to give the row's key.") var prefix: String?
        @Flag(help: "Leave out what does not fit instead of refusing all.") var skipInvalid = false
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let query: [(String, String?)] = [
                ("format", format), ("annotator", annotator), ("model", model), ("prefix", prefix),
                ("skipInvalid", skipInvalid ? "1" : nil),
            ]
            var (file, type) = (path, "application/json")
            var temporary: String?
            defer { if let temporary { unlink(temporary) } }
            if LabelsFormat(rawValue: format)?.isManyFiles == true {
                let bundle = try FolderBundle.write(path)
                (file, type, temporary) = (bundle, "application/x-ndjson", bundle)
            }
            let report = try await server.client().upload(
                "POST", LabelCommand.path(task, "/import"), query: query, file: file, contentType: type)
            if output.json || output.yaml { return try output.object(report) }
            func number(_ name: String) -> String { Column.shown(report[name] ?? .null) }
            Terminal.out(
                "\(number("annotations")) annotations and \(number("prelabels")) pre-labels (\(number("shapes")) values) taken, \(number("leftOut")) left out"
            )
            for problem in report["problems"]?.arrayValue ?? [] { Terminal.error(Column.shown(problem)) }
        }
    }

    struct Export: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write a task's labels for another tool.",
            discussion: "Example: slipway label export cats --format coco > instances.json")
        @Argument(help: "The task.") var task: String
        @Option(help: "coco, yolo (zip), voc (zip), label-studio or csv.") var format: String
        @Option(help: "complete, reviewed or any.") var include = "complete"
        @Option(help: "Taken off the front of each file name.") var prefix: String?
        @Option(name: [.short, .long], help: "The file (default: standard output).") var output: String?
        @OptionGroup var server: ClientOptions

        func run() async throws {
            let bytes = try await server.client().bytes(
                LabelCommand.path(task, "/export"),
                query: [("format", format), ("include", include), ("prefix", prefix)])
            let descriptor = try output.map { try FolderBundle.create($0) } ?? STDOUT_FILENO
            defer { if output != nil { close(descriptor) } }
            try FolderBundle.write(bytes, to: descriptor, output ?? "standard output")
        }
    }
}

/// The text files of a folder as JSON lines {path, text} in a temporary file.
private enum FolderBundle {
    private static let endings = [".txt", ".xml", ".yaml", ".yml", ".names"]
    private static let depthMaximum = 16
    private static let fileBytesMaximum = 64 << 20

    static func write(_ folder: String) throws -> String {
        var name = Array("/tmp/slipway-label-import-XXXXXX".utf8CString)
        let descriptor = mkstemp(&name)
        let path = String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        guard descriptor >= 0 else { throw failure("write", path) }
        defer { close(descriptor) }
        do {
            func add(_ file: String, _ text: String) throws {
                let line: JSONValue = ["path": .string(file), "text": .string(text)]
                try write(line.canonicalBytes + [10], to: descriptor, path)
            }
            if let format = ArchiveFormat(fileName: folder) {
                try forEachFile(of: folder, format, add)
            } else {
                for file in try files(folder, "", 0).sorted() { try add(file, TextFile.read(folder + "/" + file)) }
            }
        } catch {
            unlink(path)
            throw error
        }
        return path
    }

    /// Labels as 'label export' writes them: the folder in an archive.
    private static func forEachFile(
        of archive: String, _ format: ArchiveFormat, _ body: (String, String) throws -> Void
    ) throws {
        let reader = try ArchiveReader(path: archive, format: format)
        while let entry = try reader.next() {
            let path = entry.path.description
            guard endings.contains(where: { path.hasSuffix($0) }) else { continue }
            var bytes: [UInt8] = []
            while case let more = try reader.read(maximumBytes: 1 << 20), !more.isEmpty {
                bytes += more
                guard bytes.count <= fileBytesMaximum else {
                    throw SlipwayError(.tooLarge, "\(path) in \(archive) has more than \(fileBytesMaximum >> 20) MiB.")
                }
            }
            try body(path, String(decoding: bytes, as: UTF8.self))
        }
    }

    private static func files(_ folder: String, _ inside: String, _ depth: Int) throws -> [String] {
        guard depth < depthMaximum else {
            throw SlipwayError(.tooLarge, "\(folder) is nested more than \(depthMaximum) deep.")
        }
        guard let handle = opendir(folder + "/" + inside) else {
            throw failure("read the folder", folder + "/" + inside)
        }
        defer { closedir(handle) }
        var found: [String] = []
        while let entry = readdir(handle) {
            let name = withUnsafePointer(to: entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            guard !name.hasPrefix(".") else { continue }
            let path = inside.isEmpty ? name : inside + "/" + name
            var status = stat()
            // Links are not followed: a folder that is linked into itself would have no end.
            guard lstat(folder + "/" + path, &status) == 0 else { continue }
            if status.st_mode & S_IFMT == S_IFDIR { found += try files(folder, path, depth + 1) }
            if status.st_mode & S_IFMT == S_IFREG, endings.contains(where: { name.hasSuffix($0) }) {
                found.append(path)
            }
        }
        return found
    }

    static func create(_ path: String) throws -> Int32 {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw failure("write", path) }
        return descriptor
    }

    static func write(_ bytes: [UInt8], to descriptor: Int32, _ path: String) throws {
        var at = 0
        while at < bytes.count {
            let count = bytes[at...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw failure("write", path) }
            at += count
        }
    }

    private static func failure(_ what: String, _ path: String) -> SlipwayError {
        SlipwayError(.unavailable, "Cannot \(what) \(path): \(String(cString: strerror(errno))).")
    }
}
