import Core

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Puts objects into folders.
enum FilePlacement {
    static func exists(_ path: String) -> Bool { access(path, R_OK) == 0 }

    /// Makes a folder with these files; whoever sees it sees all of them. One that is there already stays as it is.
    static func fill(_ folder: String, with files: [(path: String, source: String)]) throws {
        let draft = "\(folder).\(ID.make())"
        for file in files { try place(file.source, at: "\(draft)/\(try RelativePath(parsing: file.path))") }
        guard rename(draft, folder) != 0 else { return }
        let reason = String(cString: strerror(errno))
        for file in files { unlink("\(draft)/\(file.path)") }
        guard files.allSatisfy({ exists("\(folder)/\($0.path)") }) else {
            throw SlipwayError(.unavailable, "A model's folder cannot be made: \(reason).", details: ["path": folder])
        }
    }

    /// A symbolic link would lead out of the sandbox, so it is a hard link, or a copy on another disk.
    static func place(_ source: String, at target: String) throws {
        var built = ""
        for part in target.split(separator: "/").dropLast() {
            built += "/" + part
            mkdir(built, 0o755)
        }
        if link(source, target) == 0 { return }
        func fail() -> SlipwayError {
            SlipwayError(
                .unavailable, "A model's file cannot be put into a folder: \(String(cString: strerror(errno))).",
                details: ["path": target])
        }
        let input = open(source, O_RDONLY | O_CLOEXEC)
        let output = open(target, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        defer {
            if input >= 0 { close(input) }
            if output >= 0 { close(output) }
        }
        guard input >= 0, output >= 0 else { throw fail() }
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = read(input, &buffer, buffer.count)
            guard count >= 0 else { throw fail() }
            if count == 0 { return }
            var done = 0
            while done < count {
                let written = buffer[done..<count].withUnsafeBytes { write(output, $0.baseAddress, $0.count) }
                guard written > 0 else { throw fail() }
                done += written
            }
        }
    }
}
