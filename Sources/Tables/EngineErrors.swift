import Core

/// DuckDB's messages in terms of what the user asked for.
enum EngineErrors {
    /// Any failure as the one error that leaves the worker.
    static func slipway(_ error: any Error, memoryBytes: Int64) -> SlipwayError {
        if let error = error as? SlipwayError {
            guard error.code == .tooLarge, error.details["limit"] == "memory" else { return error }
            return SlipwayError(
                .tooLarge, "\(error.message) The limit is \(memoryBytes >> 20) MiB.",
                details: error.details.merging(["memoryBytes": "\(memoryBytes)"]) { a, _ in a })
        }
        if let error = error as? EngineError { return explain(error, inputs: [], columns: [:]) }
        return SlipwayError(.internal, "The tables worker failed.", cause: error)
    }

    /// - Parameter output: the file that is being written.
    static func explain(
        _ error: EngineError, inputs: [TableInput], columns: [String: [TableColumn]], output: String? = nil
    ) -> SlipwayError {
        let message = error.message
        func has(_ text: String) -> Bool { message.contains(text) }
        if has("INTERRUPT Error") || has("Interrupted!") {
            return SlipwayError(.deadlineExceeded, "The query was stopped.")
        }
        if has("Out of Memory Error") || has("bad_alloc") || has("bad allocation") {
            return SlipwayError(
                .tooLarge,
                "The query needs more memory than it may use. Read fewer columns, filter first, or aggregate.",
                details: ["limit": "memory"])
        }
        if has("max_temp_directory_size") || has("No space left") {
            return SlipwayError(
                .tooLarge, "The query needs more temporary space than it may use. Filter first, or aggregate.",
                details: ["limit": "temporary space"])
        }
        if let output, message.hasPrefix("IO Error"), message.contains(output) {
            return SlipwayError(
                .unavailable, "The result cannot be written: \(tidied(message).replacing(output, with: "its file")).")
        }
        if message.hasPrefix("Permission Error") || has("configuration has been locked") {
            return SlipwayError(
                .forbidden,
                "The query reaches for a file or a setting, which queries may not. They read the tables they are given (\(list(inputs.map(\.name)))).",
                details: ["field": "sql"])
        }
        if message.hasPrefix("INTERNAL Error") || message.hasPrefix("FATAL Error") {
            return SlipwayError(.internal, "The table engine failed; the details are in the log.", cause: error)
        }
        if let name = between(message, "Referenced column \"", "\" not found")
            ?? between(message, "does not have a column named \"", "\"")
        {
            return unknownColumn(name, columns)
        }
        if let file = fault(message, inputs) { return file }
        return SlipwayError(
            .invalid, "The query failed. \(hidingPaths(tidied(message), inputs))", details: ["field": "sql"])
    }

    static func unknownColumn(_ name: String, _ columns: [String: [TableColumn]]) -> SlipwayError {
        let known = columns.sorted { $0.key < $1.key }.map { table, columns in
            (columns.count > 60 ? "\(table) begins with " : "\(table) has ") + list(columns.prefix(60).map(\.name))
        }
        let near = columns.values.joined().map(\.name).first { $0.lowercased() == name.lowercased() }
        return SlipwayError(
            .invalid,
            "There is no column '\(name)'\(near.map { "; did you mean '\($0)'?" } ?? "."). Available: \(known.joined(separator: "; "))."
                .replacing("..", with: "."),
            details: ["column": name])
    }

    /// A failure that lies in one of the files.
    private static func fault(_ message: String, _ inputs: [TableInput]) -> SlipwayError? {
        for input in inputs {
            for index in input.files.indices where message.contains(input.files[index]) {
                if message.contains("not utf-8") || message.contains("invalid UTF-8"), input.encoding == .utf8,
                    let error = FileTriage.notUTF8(input, index)
                {
                    return error
                }
                let label = input.label(index)
                let hint =
                    if message.contains("Could not convert string") || message.contains("auto-detected") {
                        " Read the column as text (allText) and cast it, or repair the line."
                    } else if message.contains("sniffing file") {
                        " Its lines have differing numbers of fields, or the delimiter is another: name it."
                    } else { "" }
                return SlipwayError(
                    .invalid, "\(label) cannot be read: \(hidingPaths(tidied(message), inputs))\(hint)",
                    details: ["file": label, "table": input.name])
            }
        }
        return nil
    }

    /// The first paragraph, without the kind of the error, hints that name DuckDB's options, and our own SQL.
    private static func tidied(_ message: String) -> String {
        var text = message[...]
        if let colon = text.range(of: " Error: "), text[..<colon.lowerBound].allSatisfy({ $0.isLetter || $0 == " " }) {
            text = text[colon.upperBound...]
        }
        var lines: [Substring] = []
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            let trimmed = line.drop { $0 == " " || $0 == "\t" }
            if trimmed.hasPrefix("Possible ") || trimmed.hasPrefix("file = ")
                || trimmed.hasPrefix("The search space used was")
            {
                break
            }
            // Part of our own statement around the file.
            if trimmed.hasPrefix("LINE ")
                && (text.contains("read_csv(") || text.contains("read_parquet(") || text.contains("read_json("))
            {
                break
            }
            lines.append(line)
        }
        while lines.last?.isEmpty == true { lines.removeLast() }
        let joined = lines.joined(separator: "\n")
        return joined.count > 1200 ? joined.prefix(1200) + "…" : joined
    }

    private static func hidingPaths(_ message: String, _ inputs: [TableInput]) -> String {
        inputs.reduce(message) { text, input in
            input.files.indices.reduce(text) { $0.replacing(input.files[$1], with: input.label($1)) }
        }
    }

    private static func between(_ text: String, _ start: String, _ end: String) -> String? {
        guard let from = text.range(of: start), let to = text[from.upperBound...].range(of: end) else { return nil }
        return String(text[from.upperBound..<to.lowerBound])
    }

    private static func list(_ names: [String]) -> String { names.isEmpty ? "none" : names.joined(separator: ", ") }
}

extension StringProtocol {
    /// The first place of a text in this one, by bytes.
    fileprivate func range(of other: String) -> Range<Index>? {
        guard let first = other.utf8.first else { return nil }
        var at = startIndex
        while let candidate = utf8[at...].firstIndex(of: first) {
            if utf8[candidate...].starts(with: other.utf8) {
                return candidate..<utf8.index(candidate, offsetBy: other.utf8.count)
            }
            at = utf8.index(after: candidate)
        }
        return nil
    }
}
