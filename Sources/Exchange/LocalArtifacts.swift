import Core

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The plain files below a folder of this machine.
enum LocalArtifacts {
    /// Symbolic links are passed over: they may lead anywhere.
    ///
    /// - Parameter onLink: hears of each.
    static func files(below folder: String, onLink: (String) -> Void = { _ in }) throws -> [ForeignFile] {
        var found: [ForeignFile] = []
        var waiting = [""]
        while let relative = waiting.popLast() {
            let path = relative.isEmpty ? folder : folder + "/" + relative
            guard let names = LocalFolder.entries(of: path) else {
                if relative.isEmpty, errno == ENOENT { return [] }
                throw SlipwayError(.unavailable, "\(path) cannot be read: \(String(cString: strerror(errno))).")
            }
            for name in names {
                let below = relative.isEmpty ? name : relative + "/" + name
                var status = stat()
                guard lstat(folder + "/" + below, &status) == 0 else { continue }
                switch status.st_mode & S_IFMT {
                case S_IFDIR: waiting.append(below)
                case S_IFREG: found.append(ForeignFile(path: below, local: folder + "/" + below))
                case S_IFLNK: onLink(folder + "/" + below)
                default: break
                }
            }
        }
        return found.sorted { $0.path < $1.path }
    }

    /// The folder that a URI names on this machine; nil when it names none.
    ///
    /// - Parameter proxied: the folder behind `mlflow-artifacts:/`: the server's `--artifacts-destination`.
    static func folder(_ uri: String, proxied: String?) -> String? {
        if uri.hasPrefix("mlflow-artifacts:") {
            let rest = uri.dropFirst("mlflow-artifacts:".count).drop { $0 == "/" }
            return proxied.map { $0 + "/" + rest }
        }
        if uri.hasPrefix("file://") { return percentDecoded(String(uri.dropFirst("file://".count))) }
        if uri.hasPrefix("file:") { return percentDecoded(String(uri.dropFirst("file:".count))) }
        return uri.range(of: ":/") == nil ? uri : nil
    }

    static func percentDecoded(_ text: String) -> String {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), rest.count >= 2,
                let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
            {
                bytes.append(value)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
