import Core

/// The options of bubblewrap (bwrap(1)) for a job. Pure: it says what to mount, and touches nothing.
///
/// Two ways in:
/// - Root starts bubblewrap without a user namespace, so that folders that only root can reach can be mounted. Inside, and
///   still without any client text in the environment, `setpriv` becomes the job's own user, and as that user a second
///   bubblewrap sets the environment, forbids further user namespaces and starts the command. (One stage would not do:
///   with a user namespace the job would still be root to the kernel, and with only `setpriv` the client's LD_PRELOAD would
///   run before the user is changed.)
/// - An ordinary user starts one bubblewrap with a user namespace; to the kernel the job is that same user.
///
/// Options go through files, not through the command line, where other users of the machine could read them.
struct Bubblewrap: Sendable {
    enum Identity: Hashable, Sendable {
        /// The server is root; the job runs as this user.
        case dropped(UInt32)
        /// The server is an ordinary user; the job sees itself as this user.
        case userNamespace(UInt32)

        var userID: UInt32 {
            switch self {
            case .dropped(let id), .userNamespace(let id): id
            }
        }
    }

    /// What the host looks like, as far as it matters.
    struct Host: Hashable, Sendable {
        /// `/bin`, `/lib64`, … that are links into `/usr`, by their target.
        var links: [String: String] = [:]
        /// Those that are folders of their own.
        var folders: [String] = []
        /// Files and folders of `/etc` and `/sys` that are there and may be shown.
        var shown: [String] = []
        /// The same, for jobs with a network.
        var shownWithNetwork: [String] = []
    }

    /// The descriptors that carry options and status; without a gap, so that nothing else is passed on between them.
    static let statusDescriptor: Int32 = 3
    static let outerDescriptor: Int32 = 4
    static let innerDescriptor: Int32 = 5

    struct Plan: Hashable, Sendable {
        /// The options of the first bubblewrap.
        var outer: [String]
        /// Those of the second; nil if there is one stage.
        var inner: [String]?
        /// What to start; the descriptors above must be open in it.
        var arguments: [String]
    }

    var program: String
    /// Inside the sandbox.
    var setpriv = "/usr/bin/setpriv"
    var identity: Identity
    var host: Host

    /// The folder of files that stand for parts of `/etc`, and the job's working folder.
    struct Scratch: Hashable, Sendable {
        var folder: String
        var work: String { "\(folder)/work" }
        /// A file of the sandbox's `/etc`.
        func etc(_ name: String) -> String { "\(folder)/etc/\(name)" }
    }

    static let etcFiles = ["passwd", "group", "hosts", "nsswitch.conf"]

    func plan(_ spec: JobSpec, scratch: Scratch) -> Plan {
        let command = spec.command
        var own = [
            "--die-with-parent", "--unshare-user", "--uid", "\(identity.userID)", "--gid", "\(identity.userID)",
            "--disable-userns",
        ]
        own += ["--cap-drop", "ALL", "--json-status-fd", "\(Self.statusDescriptor)"]
        let environment = Self.environment(spec, home: JobSpec.workPath, temporary: "/tmp")
        // To the kernel, root is root in /proc/sys, with or without capabilities. (Not in the first of two stages: the second
        // has to write there to forbid user namespaces.)
        let kernel = ["/proc/sys", "/proc/sysrq-trigger", "/proc/irq", "/proc/bus"].flatMap {
            ["--ro-bind-try", $0, $0]
        }
        let start =
            kernel + [
                "--chdir", spec.startsInCode ? spec.codePath ?? JobSpec.workPath : JobSpec.workPath, "--clearenv",
            ]
            + environment.sorted { $0.key < $1.key }.flatMap { ["--setenv", $0.key, $0.value] }
        switch identity {
        case .userNamespace:
            return Plan(
                outer: own + isolation(spec) + mounts(spec, scratch) + start, inner: nil,
                arguments: [program, "--args", "\(Self.outerDescriptor)", "--"] + command)
        case .dropped(let user):
            let capabilities = ["SETUID", "SETGID", "SETPCAP"].flatMap { ["--cap-add", "CAP_\($0)"] }
            let outer =
                ["--die-with-parent"] + isolation(spec) + mounts(spec, scratch) + ["--cap-drop", "ALL"] + capabilities
            let become = [
                setpriv, "--reuid=\(user)", "--regid=\(user)", "--clear-groups", "--inh-caps=-all",
                "--bounding-set=-all",
                "--no-new-privs", "--",
            ]
            let second = ["/usr/bin/bwrap", "--args", "\(Self.innerDescriptor)", "--"]
            return Plan(
                outer: outer, inner: own + ["--dev-bind", "/", "/"] + start,
                arguments: [program, "--args", "\(Self.outerDescriptor)", "--"] + become + second + command)
        }
    }

    private func isolation(_ spec: JobSpec) -> [String] {
        var options = [
            "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try", "--hostname", "slipway",
            "--new-session",
        ]
        if !spec.network { options.append("--unshare-net") }
        return options
    }

    private func mounts(_ spec: JobSpec, _ scratch: Scratch) -> [String] {
        var options = ["--ro-bind", "/usr", "/usr"]
        for (link, target) in host.links.sorted(by: { $0.key < $1.key }) { options += ["--symlink", target, link] }
        for folder in host.folders { options += ["--ro-bind", folder, folder] }
        options += ["--perms", "0755", "--dir", "/etc"]
        for path in host.shown + (spec.network ? host.shownWithNetwork : []) {
            options += parents(path) + ["--ro-bind", path, path]
        }
        for name in Self.etcFiles { options += ["--ro-bind", scratch.etc(name), "/etc/\(name)"] }
        options += ["--proc", "/proc", "--dev", "/dev"]
        for folder in ["/tmp", "/dev/shm"] {
            // Memory that is held this way counts towards the job's limit; the size only gives a clearer error.
            if let bytes = spec.memoryBytes { options += ["--size", String(bytes)] }
            options += ["--perms", "1777", "--tmpfs", folder]
        }
        for path in spec.readOnlyPaths where !Self.isAlreadyVisible(path) {
            options += parents(path) + ["--ro-bind", path, path]
        }
        for folder in ["", "/inputs", "/outputs", "/files"] {
            options += ["--perms", "0755", "--dir", JobSpec.home + folder]
        }
        options += ["--bind", scratch.work, JobSpec.workPath]
        if let code = spec.code { options += ["--ro-bind", code, "\(JobSpec.home)/code"] }
        for mount in spec.inputs { options += ["--ro-bind", mount.hostPath, "\(JobSpec.home)/inputs/\(mount.name)"] }
        for mount in spec.files { options += ["--ro-bind", mount.hostPath, "\(JobSpec.home)/files/\(mount.name)"] }
        for mount in spec.outputs { options += ["--bind", mount.hostPath, "\(JobSpec.home)/outputs/\(mount.name)"] }
        return options + ["--remount-ro", "/"]
    }

    /// Bubblewrap would make them with mode 0700, closed to the job's own user.
    private func parents(_ path: String) -> [String] {
        let parts = path.split(separator: "/").dropLast()
        return parts.indices.flatMap { ["--perms", "0755", "--dir", "/" + parts[...$0].joined(separator: "/")] }
    }

    private static func isAlreadyVisible(_ path: String) -> Bool { isInside(path, "/usr") }

    /// Whether `path` is `folder` or lies below it. Both are absolute and normal.
    static func isInside(_ path: String, _ folder: String) -> Bool {
        path == folder || folder == "/" || path.hasPrefix(folder + "/")
    }

    /// What every job finds in its environment, and what its spec adds or replaces.
    static func environment(_ spec: JobSpec, home: String, temporary: String) -> [String: String] {
        var environment = [
            "PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": home, "TMPDIR": temporary, "LANG": "C.UTF-8",
            "USER": "slipway",
            "LOGNAME": "slipway",
        ]
        if let count = spec.cpuCount {
            // Numeric libraries count the machine's processors, not the share that the job may use.
            environment["OMP_NUM_THREADS"] = String(max(1, Int(count.rounded(.up))))
        }
        return environment.merging(spec.environment) { _, own in own }
    }

    /// Options as `--args` reads them: each ends with NUL.
    static func encode(_ options: [String]) -> [UInt8] { options.flatMap { Array($0.utf8) + [0] } }
}

extension Bubblewrap.Host {
    /// Looks at this machine.
    static func ofThisMachine() -> Self {
        var host = Self()
        for path in ["/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"] {
            if let target = HostFiles.target(ofLink: path) {
                host.links[path] = target
            } else if HostFiles.isFolder(path) {
                host.folders.append(path)
            }
        }
        // alternatives: Debian's links to the chosen BLAS and the like. The processors' description lets numeric libraries
        // pick their kernels.
        host.shown = ["/etc/alternatives", "/etc/ld.so.cache", "/etc/localtime", "/etc/ssl", "/sys/devices/system/cpu"]
            .filter(HostFiles.exists)
        host.shownWithNetwork = ["/etc/resolv.conf"].filter(HostFiles.exists)
        return host
    }

    /// The texts of the sandbox's `/etc`, by file name.
    static func etc(userID: UInt32, network: Bool) -> [String: String] {
        let hosts = (network ? HostFiles.read("/etc/hosts") : nil) ?? ""
        return [
            "passwd":
                "root:x:0:0:root:/nonexistent:/usr/sbin/nologin\nslipway:x:\(userID):\(userID):job:\(JobSpec.workPath):/bin/sh\n",
            "group": "root:x:0:\nslipway:x:\(userID):\n",
            "hosts": "127.0.0.1 localhost slipway\n::1 localhost\n" + hosts,
            "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
        ]
    }
}
