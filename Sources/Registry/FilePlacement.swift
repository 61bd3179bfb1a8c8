import Core
import Objects

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
        for file in files {
            try LocalFile.place(
                file.source, at: "\(draft)/\(try RelativePath(parsing: file.path))", linking: true)
        }
        guard rename(draft, folder) != 0 else { return }
        let reason = String(cString: strerror(errno))
        for file in files { unlink("\(draft)/\(file.path)") }
        guard files.allSatisfy({ exists("\(folder)/\($0.path)") }) else {
            throw SlipwayError(.unavailable, "A model's folder cannot be made: \(reason).", details: ["path": folder])
        }
    }
}
