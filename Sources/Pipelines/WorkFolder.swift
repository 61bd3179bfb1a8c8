import Core
import Objects
import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The folder of one attempt at a step; all below it is the step's and is removed afterwards.
struct WorkFolder: Sendable {
    let path: String

    func make() throws {
        remove()
        try Self.makeFolders(path)
    }

    @discardableResult
    func makeFolder(_ name: String) throws -> String {
        try Self.makeFolders("\(path)/\(name)")
        return "\(path)/\(name)"
    }

    func write(_ text: String, to name: String) throws {
        let bytes = Array(text.utf8)
        let descriptor = open("\(path)/\(name)", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw Self.failure("\(path)/\(name)") }
        defer { close(descriptor) }
        guard Self.write(descriptor, bytes) else { throw Self.failure("\(path)/\(name)") }
    }

    /// Removes the folder with all in it; links are removed, never followed.
    func remove() { Self.remove(path) }

    private static func remove(_ path: String) {
        guard let folder = opendir(path) else { return }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        closedir(folder)
        for name in names {
            var status = stat()
            let child = "\(path)/\(name)"
            guard lstat(child, &status) == 0 else { continue }
            if status.st_mode & S_IFMT == S_IFDIR { remove(child) } else { unlink(child) }
        }
        rmdir(path)
    }

    static func makeFolders(_ path: String) throws {
        var built = ""
        for part in path.split(separator: "/") {
            built += "/" + part
            guard mkdir(built, 0o755) == 0 || errno == EEXIST else { throw failure(path) }
        }
    }

    static func makeParents(of file: String) throws {
        if let slash = file.lastIndex(of: "/") { try makeFolders(String(file[..<slash])) }
    }

    /// Puts an object at a relative path below a folder that the sandbox shows read-only.
    static func place(_ source: String, at path: String, in folder: String) throws {
        try LocalFile.place(source, at: "\(folder)/\(try RelativePath(parsing: path))", linking: true)
    }

    private static func write(_ descriptor: Int32, _ bytes: [UInt8]) -> Bool {
        var at = 0
        while at < bytes.count {
            let count = bytes[at...].withUnsafeBytes { buffer in
                #if canImport(Glibc)
                    Glibc.write(descriptor, buffer.baseAddress, buffer.count)
                #else
                    Darwin.write(descriptor, buffer.baseAddress, buffer.count)
                #endif
            }
            guard count > 0 else { return false }
            at += count
        }
        return true
    }

    private static func failure(_ path: String) -> SlipwayError {
        SlipwayError(
            .unavailable, "A step's work folder cannot be used: \(String(cString: strerror(errno))).",
            details: ["path": path])
    }
}

/// So many at the same time; the others wait in order.
final class Turns: Sendable {
    private struct State {
        var free: Int
        var nextID = 0
        var waiters: [(id: Int, continuation: CheckedContinuation<Bool, Never>)] = []
    }
    private let state: Mutex<State>

    init(count: Int) { state = Mutex(State(free: count)) }

    /// Waits for a turn, which `give` returns; false when the task was cancelled before it came.
    func take() async -> Bool {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let now = state.withLock { state -> Bool? in
                    if Task.isCancelled { return false }
                    if state.free > 0 {
                        state.free -= 1
                        return true
                    }
                    state.waiters.append((id, continuation))
                    return nil
                }
                if let now { continuation.resume(returning: now) }
            }
        } onCancel: {
            let waiter = state.withLock { state in
                state.waiters.firstIndex { $0.id == id }.map { state.waiters.remove(at: $0).continuation }
            }
            waiter?.resume(returning: false)
        }
    }

    func give() {
        let next = state.withLock { state -> CheckedContinuation<Bool, Never>? in
            if state.waiters.isEmpty {
                state.free += 1
                return nil
            }
            return state.waiters.removeFirst().continuation
        }
        next?.resume(returning: true)
    }
}
