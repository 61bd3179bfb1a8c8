import Core

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// `posix_spawn(3)` with the descriptors of a spec laid out.
struct Spawn {
    private(set) var pid: Int32 = 0
    private(set) var input: Descriptor?
    private(set) var output: Descriptor?
    private(set) var errors: Descriptor?

    init(_ spec: ProcessSpec) throws {
        var layout = Layout()
        switch spec.input {
        case .none: try layout.put(Descriptor.open("/dev/null", O_RDONLY), at: 0)
        case .file(let path): try layout.put(Descriptor.open(path, O_RDONLY), at: 0)
        case .pipe:
            let (reading, writing) = try Descriptor.pipe()
            try layout.put(reading, at: 0)
            input = writing
        }
        output = try Self.lay(spec.output, at: 1, &layout)
        if let own = spec.errors {
            errors = try Self.lay(own, at: 2, &layout)
        } else {
            try layout.put(layout.source(of: 1), at: 2)
        }
        for (number, descriptor) in spec.descriptors.sorted(by: { $0.key < $1.key }) {
            try layout.put(Descriptor.copy(descriptor), at: number)
        }
        pid = try Self.run(spec, layout)
    }

    private static func lay(_ output: ProcessSpec.Output, at number: Int32, _ layout: inout Layout) throws
        -> Descriptor?
    {
        switch output {
        case .discard: try layout.put(Descriptor.open("/dev/null", O_WRONLY), at: number)
        case .file(let path, let append):
            try layout.put(Descriptor.open(path, O_WRONLY | O_CREAT | (append ? O_APPEND : O_TRUNC)), at: number)
        case .inherit: try layout.put(Descriptor.copy(number), at: number)
        case .pipe:
            let (reading, writing) = try Descriptor.pipe()
            try layout.put(writing, at: number)
            return reading
        }
        return nil
    }

    /// Which of our descriptors becomes which number in the child.
    private struct Layout {
        var sources: [(number: Int32, source: Descriptor)] = []

        mutating func put(_ source: Descriptor, at number: Int32) throws { sources.append((number, source)) }

        func source(of number: Int32) throws -> Descriptor {
            guard let entry = sources.first(where: { $0.number == number }) else {
                throw SlipwayError(.internal, "No source for descriptor \(number).")
            }
            return entry.source
        }
    }

    #if canImport(Glibc)
        /// `POSIX_SPAWN_SETSID` of <spawn.h>, which shows it only to _GNU_SOURCE.
        private static let setSession: Int32 = 0x80
    #else
        private static let setSession = Int32(POSIX_SPAWN_SETSID)
    #endif

    private static func run(_ spec: ProcessSpec, _ layout: Layout) throws -> Int32 {
        #if canImport(Glibc)
            var actions = posix_spawn_file_actions_t()
            var attributes = posix_spawnattr_t()
        #else
            var actions: posix_spawn_file_actions_t?
            var attributes: posix_spawnattr_t?
        #endif
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // The sources are all above the targets (`Descriptor` sees to it), so no step overwrites the source of a later one.
        for (number, source) in layout.sources { posix_spawn_file_actions_adddup2(&actions, source.number, number) }
        // Everything opened here is close-on-exec, but a library might forget it.
        var flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK
        #if canImport(Glibc)
            let firstFree = (layout.sources.map(\.number).max() ?? 2) + 1
            guard let closeFrom = Libc.closeFrom, let changeFolder = Libc.changeFolder else {
                throw SlipwayError(.unavailable, "Starting processes takes glibc 2.34 or newer.")
            }
            _ = closeFrom(&actions, firstFree)
            if let folder = spec.workingDirectory { _ = changeFolder(&actions, folder) }
        #else
            if let folder = spec.workingDirectory { posix_spawn_file_actions_addchdir_np(&actions, folder) }
            flags |= POSIX_SPAWN_CLOEXEC_DEFAULT
        #endif
        if spec.newSession { flags |= setSession }
        var all = sigset_t()
        sigfillset(&all)
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(flags))

        var arguments: [UnsafeMutablePointer<CChar>?] = ([spec.executable] + spec.arguments).map { strdup($0) } + [nil]
        var environment: [UnsafeMutablePointer<CChar>?] =
            spec.environment.sorted { $0.key < $1.key }.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for text in arguments + environment { free(text) } }
        var pid: Int32 = 0
        let code =
            spec.executable.utf8.contains(UInt8(ascii: "/"))
            ? posix_spawn(&pid, spec.executable, &actions, &attributes, &arguments, &environment)
            : posix_spawnp(&pid, spec.executable, &actions, &attributes, &arguments, &environment)
        guard code == 0 else { throw failure(spec, code) }
        return pid
    }

    private static func failure(_ spec: ProcessSpec, _ code: Int32) -> SlipwayError {
        if let folder = spec.workingDirectory, access(folder, X_OK) != 0 {
            return SlipwayError(
                .unavailable,
                "Cannot start \(spec.executable): its working folder \(folder) is not there or closed to us.")
        }
        let hint = code == ENOENT ? " Is it installed, and the path right?" : ""
        return SlipwayError(.unavailable, "Cannot start \(spec.executable): \(SystemError.text(code)).\(hint)")
    }
}

/// An open file that closes itself.
public final class Descriptor: Sendable {
    public let number: Int32

    /// Takes over `number`.
    public init(owning number: Int32) { self.number = number }

    deinit { close(number) }

    /// Descriptors handed to children are kept at or above this number, beyond any that a child is given.
    private static let floor: Int32 = 64

    private static func raised(_ number: Int32, _ what: String) throws -> Descriptor {
        guard number >= 0 else { throw SlipwayError(.unavailable, "\(what): \(SystemError.current).") }
        if number >= floor {
            _ = fcntl(number, F_SETFD, FD_CLOEXEC)
            return Descriptor(owning: number)
        }
        defer { close(number) }
        return try copy(number)
    }

    static func copy(_ number: Int32) throws -> Descriptor {
        let copy = fcntl(number, F_DUPFD_CLOEXEC, floor)
        guard copy >= 0 else {
            throw SlipwayError(.unavailable, "Cannot copy descriptor \(number): \(SystemError.current).")
        }
        return Descriptor(owning: copy)
    }

    static func open(_ path: String, _ flags: Int32) throws -> Descriptor {
        #if canImport(Glibc)
            let number = Glibc.open(path, flags | O_CLOEXEC, 0o644)
        #else
            let number = Darwin.open(path, flags | O_CLOEXEC, 0o644)
        #endif
        return try raised(number, "Cannot open \(path)")
    }

    static func pipe() throws -> (reading: Descriptor, writing: Descriptor) {
        var ends: [Int32] = [-1, -1]
        #if canImport(Glibc)
            let code = Glibc.pipe(&ends)
        #else
            let code = Darwin.pipe(&ends)
        #endif
        // Without pipe2 there is a moment in which the ends are not close-on-exec; our own children close what they are
        // not given.
        guard code == 0 else { throw SlipwayError(.unavailable, "Cannot make a pipe: \(SystemError.current).") }
        return (try raised(ends[0], "pipe"), try raised(ends[1], "pipe"))
    }

    /// Both ends of a Unix stream socket.
    static func socketPair() throws -> (Descriptor, Descriptor) {
        var ends: [Int32] = [-1, -1]
        #if canImport(Glibc)
            let code = socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends)
        #else
            let code = socketpair(AF_UNIX, SOCK_STREAM, 0, &ends)
        #endif
        guard code == 0 else { throw SlipwayError(.unavailable, "Cannot make a socket pair: \(SystemError.current).") }
        return (try raised(ends[0], "socketpair"), try raised(ends[1], "socketpair"))
    }
}
