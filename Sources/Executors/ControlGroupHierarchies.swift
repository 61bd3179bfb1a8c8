import Core

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A mounted cgroup hierarchy and the folder in it under which this process may try to make groups.
struct ControlGroupHierarchy: Hashable, Sendable {
    enum Version: Hashable, Sendable { case v1, v2 }

    var version: Version
    /// On v1, those bound to this mount; on v2, those that the folder offers, found when it is used.
    var controllers: Set<String>
    /// The group that this process is in, so that a limit of the server's own holds for its jobs too.
    var base: String

    /// Reads `/proc/self/mountinfo` (proc(5)) and `/proc/self/cgroup` (cgroups(7)).
    ///
    /// - Parameter exists: whether a folder is there; the group named by `/proc/self/cgroup` may lie outside of what is mounted.
    static func parse(mountInfo: String, selfCgroup: String, exists: (String) -> Bool) -> [ControlGroupHierarchy] {
        var own: [String: String] = [:]
        for line in selfCgroup.split(separator: "\n") {
            // 4:memory:/path on v1, 0::/path on v2
            let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3 else { continue }
            for controller in parts[1].split(separator: ",", omittingEmptySubsequences: false) {
                own[String(controller)] = String(parts[2])
            }
        }
        var found: [ControlGroupHierarchy] = []
        for line in mountInfo.split(separator: "\n") {
            // id parent major:minor root mount-point options [optional…] - type source super-options
            let fields = line.split(separator: " ")
            guard fields.count >= 10, let dash = fields.firstIndex(of: "-"), dash + 3 < fields.count else { continue }
            let root = String(fields[3])
            let mountPoint = unescape(fields[4])
            switch fields[dash + 1] {
            case "cgroup2":
                let base = folder(mountPoint, root: root, own: own[""] ?? "/", exists)
                found.append(ControlGroupHierarchy(version: .v2, controllers: [], base: base))
            case "cgroup":
                let known: Set<String> = ["memory", "cpu", "cpuacct", "pids"]
                let controllers = known.intersection(fields[dash + 3].split(separator: ",").map(String.init))
                guard let first = controllers.min() else { continue }
                let base = folder(mountPoint, root: root, own: own[first] ?? "/", exists)
                found.append(ControlGroupHierarchy(version: .v1, controllers: controllers, base: base))
            default: continue
            }
        }
        return found
    }

    /// The own group's folder under the mount; in a container whose mount shows only a part, the mount itself.
    private static func folder(_ mountPoint: String, root: String, own: String, _ exists: (String) -> Bool) -> String {
        var inside = own
        if root != "/", own.hasPrefix(root) { inside = String(own.dropFirst(root.count)) }
        let path = inside == "/" || inside.isEmpty ? mountPoint : mountPoint + inside
        return exists(path) ? path : mountPoint
    }

    /// mountinfo writes space, tab, newline and backslash as three octal digits.
    private static func unescape(_ field: Substring) -> String {
        var out: [UInt8] = []
        var bytes = Array(field.utf8)[...]
        while let byte = bytes.first {
            let digits = bytes.dropFirst().prefix(3)
            if byte == UInt8(ascii: "\\"), digits.count == 3,
                let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 8)
            {
                out.append(value)
                bytes = bytes.dropFirst(4)
            } else {
                out.append(byte)
                bytes = bytes.dropFirst()
            }
        }
        return String(decoding: out, as: UTF8.self)
    }

    /// The hierarchies of this process; those that cannot be read are left out.
    static func ofThisProcess() -> [ControlGroupHierarchy] {
        guard let mounts = HostFiles.read("/proc/self/mountinfo"), let own = HostFiles.read("/proc/self/cgroup") else {
            return []
        }
        return parse(mountInfo: mounts, selfCgroup: own, exists: HostFiles.isFolder)
    }
}
