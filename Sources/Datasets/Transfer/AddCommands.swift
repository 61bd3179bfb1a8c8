import Archives
import ArgumentParser
import Client
import CommandKit
import Core
import Objects

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

extension DataCommand {
    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Add a folder, a file or an archive as a new version of a dataset of files.",
            discussion: """
                A folder that was added or checked out before becomes the next version as it is: new, changed and removed
                files. Any other folder adds to what is there. Only what the server lacks is sent.

                Examples:
                  slipway data add photos/ photos --metadata labels.csv
                  slipway data add photos.zip photos --at 2024
                """)
        @Argument(help: "A folder, a file, or an archive (.zip, .tar, .tar.gz, .tgz).") var path: String
        @Argument(help: "The dataset.") var name: String
        @Option(help: "Onto which branch.") var branch = "main"
        @Option(help: "A table (.csv, .parquet, .ndjson) with a column 'path' and columns about the files.")
        var metadata: String?
        @Option(help: "The folder of the dataset to put the files in.") var at: String?
        @Option(help: "Why.") var message = ""
        @Flag(help: "The version has exactly these files, whatever was there.") var replace = false
        @Flag(help: "Keep an archive as the file that it is.") var asFile = false
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let started = Clock.monotonicNanoseconds()
            let prefix = try at.map {
                try RelativePath(parsing: $0.hasSuffix("/") ? String($0.dropLast()) : $0, field: "at")
            }
            var status = stat()
            guard stat(path, &status) == 0 else { throw LocalFolder.failure("found", path) }
            if status.st_mode & S_IFMT == S_IFDIR {
                let progress = TransferProgress("add")
                let outcome = try await FolderAdd(
                    client: server.client(), folder: path, dataset: name, project: server.projectName, branch: branch,
                    prefix: prefix?.description ?? "", replace: replace, metadata: metadata, message: message,
                    progress: progress
                ).run()
                progress.finish()
                return try show(outcome, started)
            }
            if !asFile, let format = ArchiveFormat(fileName: path) { return try await addArchive(format, prefix) }
            try await addFile(prefix)
        }

        private func show(_ outcome: FolderAdd.Outcome, _ started: UInt64) throws {
            if !outcome.passedOver.isEmpty {
                Terminal.error(
                    "\(outcome.passedOver.count) links or special files were passed over, such as \(outcome.passedOver[0])."
                )
            }
            let seconds = Double(Clock.monotonicNanoseconds() - started) / 1e9
            if output.json || output.yaml {
                var fields = outcome.answer.objectValue ?? [:]
                fields["added"] = [
                    "files": JSONValue(outcome.files), "bytes": .int(outcome.bytes), "read": JSONValue(outcome.read),
                    "changed": JSONValue(outcome.changed), "removed": JSONValue(outcome.removed),
                    "seconds": .number(seconds),
                ]
                return try output.object(.object(fields))
            }
            let unchanged = outcome.answer["unchanged"]?.boolValue == true
            Terminal.out(
                "\(outcome.answer["ref"]?.stringValue ?? name)\(unchanged ? " (unchanged)" : "") · \(outcome.files) files, \(TransferProgress.size(outcome.bytes)) · \(outcome.changed) put, \(outcome.removed) removed, \(outcome.read) read · \(Int(seconds * 1000)) ms"
            )
        }

        private func addArchive(_ format: ArchiveFormat, _ prefix: RelativePath?) async throws {
            guard metadata == nil else {
                throw SlipwayError.field(
                    "metadata", "cannot be given with an archive",
                    expected: "'slipway data add' of the table afterwards")
            }
            let client = server.client()
            try await FolderAdd.requirePlace(client, name, server.projectName)
            let answer = try await client.upload(
                "POST", "/api/v1/datasets/\(percentEncode(name))/archive",
                query: [
                    ("project", server.projectName), ("branch", branch), ("mode", replace ? "replace" : "update"),
                    ("message", message), ("format", format.rawValue), ("prefix", prefix?.description),
                    ("origin", "file://" + FolderAdd.host + (try LocalFolder.absolute(path))),
                ], file: path, contentType: "application/octet-stream")
            try output.version(answer)
        }

        /// One file, under its own name.
        private func addFile(_ prefix: RelativePath?) async throws {
            let absolute = try LocalFolder.absolute(path)
            let parts = absolute.split(separator: "/").map(String.init)
            guard let stamp = FileStamp(absolute), let last = parts.last else {
                throw SlipwayError.field("path", "'\(path)' is no regular file", expected: "a file or a folder")
            }
            let client = server.client()
            try await FolderAdd.requirePlace(client, name, server.projectName)
            let sender = ObjectSender(client: client)
            let progress = TransferProgress("add")
            progress.expect(files: 1, bytes: stamp.sizeBytes)
            let upload = FolderUpload(
                folder: "/" + parts.dropLast().joined(separator: "/"), sender: sender, progress: progress,
                checkpoint: StatIndex.path(
                    of: absolute, server: client.url, dataset: name, prefix: prefix?.description ?? "", "partial"))
            let entry = try await upload.run([FolderFile(path: last, stamp: stamp)], taken: StatIndex.now())
            progress.finish()
            var out = FileLinesWriter()
            for entry in entry {
                out.put(
                    path: prefix.map { "\($0)/\(last)" } ?? last, digest: entry.digest, sizeBytes: stamp.sizeBytes,
                    chunks: entry.chunks)
            }
            if let metadata {
                let (digest, format) = try await FolderAdd.sendMetadata(metadata, sender)
                out.metadata(digest, format)
            }
            let answer = try await client.exchange(
                "POST", "/api/v1/datasets/\(percentEncode(name))/files",
                query: [
                    ("project", server.projectName), ("branch", branch), ("mode", replace ? "replace" : "update"),
                    ("message", message), ("origin", "file://" + FolderAdd.host + absolute),
                ], out.bytes, contentType: "application/x-ndjson")
            try output.version(try JSONValue(parsing: answer))
        }
    }
}

extension OutputOptions {
    /// A version of files that was made: a line, or all of it as JSON or YAML.
    func version(_ answer: JSONValue) throws {
        if json || yaml { return try object(answer) }
        let files = answer["files"]?.intValue ?? 0
        let note = answer["unchanged"]?.boolValue == true ? " (unchanged)" : ""
        Terminal.out(
            "\(answer["ref"]?.stringValue ?? "")\(note) · has \(files) file\(files == 1 ? "" : "s"), \(TransferProgress.size(answer["sizeBytes"]?.intValue ?? 0))"
        )
    }
}
