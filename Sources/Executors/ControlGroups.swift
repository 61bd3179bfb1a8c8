import Core
import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The control groups of one executor's jobs: a folder `slipway-<label>` in each hierarchy, and in it one group a job.
///
/// Where a hierarchy cannot be written (not root, not delegated), it is not used; the job then falls back to `setrlimit`.
struct ControlGroups: Sendable {
    struct Place: Hashable, Sendable {
        var version: ControlGroupHierarchy.Version
        var controllers: Set<String>
        /// The folder of this executor's jobs.
        var folder: String
    }
    let places: [Place]

    static let none = ControlGroups(places: [])

    private init(places: [Place]) { self.places = places }

    /// Finds out where groups may be made, by making one.
    ///
    /// - Parameter label: tells the executors of this machine apart, also those of other servers.
    init(label: String, hierarchies: [ControlGroupHierarchy] = ControlGroupHierarchy.ofThisProcess()) {
        places = hierarchies.compactMap { hierarchy in
            var place = Place(
                version: hierarchy.version, controllers: hierarchy.controllers,
                folder: "\(hierarchy.base)/slipway-\(label)")
            if place.version == .v2 { place.controllers = Self.enable(["memory", "cpu", "pids"], in: hierarchy.base) }
            guard Self.make(place.folder) else { return nil }
            if place.version == .v2 { place.controllers = Self.enable(place.controllers, in: place.folder) }
            // It comes back with the first job, and stays if there are jobs of an earlier server.
            rmdir(place.folder)
            return place
        }
    }

    private static func make(_ folder: String) -> Bool {
        guard mkdir(folder, 0o755) == 0 || errno == EEXIST else { return false }
        // Being there is not enough: it may be another user's.
        return access(folder, W_OK) == 0
    }

    /// Hands controllers on to the groups below `folder`; returns those that are.
    private static func enable(_ wanted: Set<String>, in folder: String) -> Set<String> {
        func words(_ file: String) -> Set<String> {
            Set((HostFiles.read("\(folder)/\(file)") ?? "").split(whereSeparator: \.isWhitespace).map(String.init))
        }
        let offered = wanted.intersection(words("cgroup.controllers"))
        let missing = offered.subtracting(words("cgroup.subtree_control"))
        if !missing.isEmpty {
            let text = missing.sorted().map { "+\($0)" }.joined(separator: " ")
            // A group with processes of its own may not hand controllers on (cgroup-v2.rst, "no internal processes"). Where
            // this process is the only one, as under systemd with Delegate=yes, it moves one down.
            if !HostFiles.put(text, into: "\(folder)/cgroup.subtree_control"), errno == EBUSY,
                words("cgroup.procs") == [String(getpid())]
            {
                let lower = "\(folder)/slipway-server"
                if make(lower), HostFiles.put(String(getpid()), into: "\(lower)/cgroup.procs") {
                    _ = HostFiles.put(text, into: "\(folder)/cgroup.subtree_control")
                }
            }
        }
        return offered.intersection(words("cgroup.subtree_control"))
    }

    /// The ids of jobs that have a group now.
    func jobs() -> [String] {
        var ids: Set<String> = []
        for place in places {
            for name in HostFiles.list(place.folder) where HostFiles.isFolder("\(place.folder)/\(name)") {
                ids.insert(name)
            }
        }
        return ids.sorted()
    }

    /// Makes the groups of a job and sets its limits.
    func group(_ id: String, _ spec: JobSpec) -> JobGroup {
        var group = JobGroup(id: id, places: [])
        for place in places {
            let folder = "\(place.folder)/\(id)"
            // Another job that ends may remove the folder between the two steps.
            for _ in 0..<10 where Self.make(place.folder) {
                if place.version == .v2 { _ = Self.enable(place.controllers, in: place.folder) }
                guard mkdir(folder, 0o755) == 0 || errno == EEXIST else { continue }
                group.add(Place(version: place.version, controllers: place.controllers, folder: folder), spec)
                break
            }
        }
        return group
    }

    /// Removes a job's groups once they are empty, and with the last of them the folder.
    func remove(_ group: JobGroup) {
        group.remove()
        for place in places { rmdir(place.folder) }
    }

    /// The groups of a job of an earlier server.
    func existingGroup(_ id: String) -> JobGroup {
        JobGroup(
            id: id,
            places: places.map { Place(version: $0.version, controllers: $0.controllers, folder: "\($0.folder)/\(id)") }
                .filter { HostFiles.isFolder($0.folder) })
    }
}

/// The control groups of one job.
struct JobGroup: Sendable {
    let id: String
    private(set) var places: [ControlGroups.Place]
    /// What holds each limit; `notEnforced` where the limit was asked for and no group could take it.
    private(set) var memory: LimitMechanism = .notEnforced
    private(set) var cpu: LimitMechanism = .notEnforced
    private(set) var processes: LimitMechanism = .notEnforced

    init(id: String, places: [ControlGroups.Place]) {
        self.id = id
        self.places = places
    }

    static let none = JobGroup(id: "", places: [])

    /// The period of the CPU quota in microseconds: the kernel's default.
    private static let period = 100_000

    mutating func add(_ place: ControlGroups.Place, _ spec: JobSpec) {
        places.append(place)
        let folder = place.folder
        let mechanism: LimitMechanism = place.version == .v1 ? .cgroupV1 : .cgroupV2
        if let bytes = spec.memoryBytes, place.controllers.contains("memory") {
            switch place.version {
            case .v1:
                if HostFiles.put(String(bytes), into: "\(folder)/memory.limit_in_bytes") { memory = mechanism }
                // Memory and swap together: a job does not get to swap on top. Absent without swap accounting.
                _ = HostFiles.put(String(bytes), into: "\(folder)/memory.memsw.limit_in_bytes")
            case .v2:
                if HostFiles.put(String(bytes), into: "\(folder)/memory.max") { memory = mechanism }
                _ = HostFiles.put("0", into: "\(folder)/memory.swap.max")
            }
        }
        if let count = spec.cpuCount, place.controllers.contains("cpu") {
            // The kernel takes no quota below 1 ms.
            let quota = max(1000, Int(count * Double(Self.period)))
            let done =
                place.version == .v1
                ? HostFiles.put(String(Self.period), into: "\(folder)/cpu.cfs_period_us")
                    && HostFiles.put(String(quota), into: "\(folder)/cpu.cfs_quota_us")
                : HostFiles.put("\(quota) \(Self.period)", into: "\(folder)/cpu.max")
            if done { cpu = mechanism }
        }
        if place.controllers.contains("pids") {
            let count = spec.processCount ?? JobSpec.defaultProcessCount
            if HostFiles.put(String(count), into: "\(folder)/pids.max") { processes = mechanism }
        }
    }

    /// The files to which a process writes its number to join.
    var joinFiles: [String] { places.map { "\($0.folder)/cgroup.procs" } }

    /// The processes in any of the groups.
    func members() -> Set<Int32> {
        var members: Set<Int32> = []
        for place in places {
            for line in (HostFiles.read("\(place.folder)/cgroup.procs") ?? "").split(separator: "\n") {
                if let pid = Int32(line) { members.insert(pid) }
            }
        }
        // 0 stands for a process of another PID namespace.
        return members.filter { $0 > 1 && $0 != getpid() }
    }

    /// Ends all members, also those that fork meanwhile.
    ///
    /// - Returns: false if some are still there after `withinSeconds`.
    @discardableResult
    func kill(withinSeconds: Double) -> Bool {
        let end = Clock.monotonicNanoseconds() + UInt64(withinSeconds * 1e9)
        while true {
            for place in places where place.version == .v2 {
                _ = HostFiles.put("1", into: "\(place.folder)/cgroup.kill")
            }
            let members = members()
            if members.isEmpty { return true }
            if Clock.monotonicNanoseconds() > end { return false }
            for pid in members { ProcessTree.signal(pid, SIGKILL) }
            usleep(2000)
        }
    }

    /// How many processes the kernel ended because the memory was used up.
    func oomKills() -> Int {
        places.reduce(0) { total, place in
            guard place.controllers.contains("memory") else { return total }
            let file = place.version == .v1 ? "memory.oom_control" : "memory.events"
            return total + (Self.value("oom_kill", in: "\(place.folder)/\(file)") ?? 0)
        }
    }

    func peakMemoryBytes() -> Int64? {
        for place in places where place.controllers.contains("memory") {
            let file = place.version == .v1 ? "memory.max_usage_in_bytes" : "memory.peak"
            if let bytes = Self.number("\(place.folder)/\(file)") { return bytes }
        }
        return nil
    }

    func cpuSeconds() -> Double? {
        for place in places {
            if place.version == .v1, place.controllers.contains("cpuacct") {
                if let nanoseconds = Self.number("\(place.folder)/cpuacct.usage") { return Double(nanoseconds) / 1e9 }
            } else if place.version == .v2, place.controllers.contains("cpu") {
                if let microseconds = Self.value("usage_usec", in: "\(place.folder)/cpu.stat") {
                    return Double(microseconds) / 1e6
                }
            }
        }
        return nil
    }

    /// The kernel may need a moment after the last process.
    fileprivate func remove() {
        for place in places {
            for _ in 0..<200 {
                if rmdir(place.folder) == 0 || errno == ENOENT { break }
                usleep(5000)
            }
        }
    }

    private static func number(_ path: String) -> Int64? {
        HostFiles.read(path).flatMap { text in Int64(text.filter { !$0.isWhitespace }) }
    }

    private static func value(_ key: String, in path: String) -> Int? {
        for line in (HostFiles.read(path) ?? "").split(separator: "\n") {
            let parts = line.split(separator: " ")
            if parts.count == 2, parts[0] == key { return Int(parts[1]) }
        }
        return nil
    }
}
