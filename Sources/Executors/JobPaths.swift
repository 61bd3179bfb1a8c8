import Core

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Checks the host paths of a job before anything is started.
struct JobPaths {
    let executor: ProcessExecutor
    let spec: JobSpec

    /// Folders of the system that are made anew in a sandbox, or have no business there.
    private static let system = ["/proc", "/sys", "/dev", "/run", "/etc", "/tmp", JobSpec.home]
    /// Nothing below these can be shown either.
    private static let closed = ["/proc", "/sys", "/dev", "/run", JobSpec.home]

    /// - Throws: `invalid`, naming the field and the path.
    func check() throws {
        for mount in spec.outputs {
            guard HostFiles.isFolder(mount.hostPath), HostFiles.target(ofLink: mount.hostPath) == nil else {
                throw SlipwayError.field(
                    "outputs.\(mount.name)", "\(mount.hostPath) is not there", expected: "an empty folder")
            }
        }
        let reads =
            spec.inputs.map { ("inputs.\($0.name)", $0.hostPath) }
            + spec.files.map { ("files.\($0.name)", $0.hostPath) }
        for (field, path) in reads + (spec.code.map { [("code", $0)] } ?? []) { try checkReadable(path, field: field) }
        guard spec.sandboxed else { return }
        for path in spec.readOnlyPaths {
            try checkReadable(path, field: "readOnlyPaths")
            for real in Set([path, HostFiles.resolve(path) ?? path]) { try checkMayBeShown(real) }
        }
    }

    private func checkReadable(_ path: String, field: String) throws {
        guard let info = HostFiles.information(path) else {
            throw SlipwayError.field(field, "\(path) is not there", expected: "a file or folder of this machine")
        }
        guard spec.sandboxed, case .dropped(let user) = executor.identity, info.st_uid != user else { return }
        let wanted: mode_t = info.st_mode & S_IFMT == S_IFDIR ? 0o005 : 0o004
        guard info.st_mode & wanted == wanted else {
            throw SlipwayError.field(
                field, "\(path) is closed to the job's own user", expected: "readable by others (chmod -R o+rX)")
        }
    }

    private func checkMayBeShown(_ path: String) throws {
        let configuration = executor.configuration
        let hides = (Self.system + configuration.protectedPaths).contains { Bubblewrap.isInside($0, path) }
        let isHidden = (Self.closed + configuration.protectedPaths).contains { Bubblewrap.isInside(path, $0) }
        if path == "/" || hides || isHidden {
            throw SlipwayError.field(
                "readOnlyPaths", "\(path) may not be shown to jobs",
                expected: "the folder of a program, such as a virtual environment")
        }
    }
}
