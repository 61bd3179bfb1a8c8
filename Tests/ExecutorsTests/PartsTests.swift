import Core
import Processes
import Testing

@testable import Executors

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The parts that need no process.
@Suite struct PartsTests {
    @Test func `bubblewrap's options`() {
        let host = Bubblewrap.Host(
            links: ["/lib": "usr/lib"], folders: ["/lib64"], shown: ["/etc/ssl"], shownWithNetwork: ["/etc/resolv.conf"]
        )
        var spec = JobSpec(
            id: "j", command: ["python", "x"], environment: ["A": "1"], code: "/d/code",
            inputs: [.init(name: "i", hostPath: "/d/i")],
            outputs: [.init(name: "o", hostPath: "/d/o")], readOnlyPaths: ["/opt/env", "/usr/local/py"],
            memoryBytes: 1 << 26, cpuCount: 1.5, logPath: "/d/log")
        let scratch = Bubblewrap.Scratch(folder: "/r/j")
        let start =
            "--chdir /slipway/work --clearenv --setenv A 1 --setenv HOME /slipway/work --setenv LANG C.UTF-8 --setenv LOGNAME slipway"
            + " --setenv OMP_NUM_THREADS 2 --setenv PATH /usr/local/bin:/usr/bin:/bin --setenv TMPDIR /tmp --setenv USER slipway"
        let kernel =
            " --ro-bind-try /proc/sys /proc/sys --ro-bind-try /proc/sysrq-trigger /proc/sysrq-trigger --ro-bind-try /proc/irq /proc/irq"
            + " --ro-bind-try /proc/bus /proc/bus "
        let isolation =
            " --unshare-pid --unshare-ipc --unshare-uts --unshare-cgroup-try --hostname slipway --new-session"
        let own = "--die-with-parent --unshare-user --uid 7 --gid 7 --disable-userns --cap-drop ALL --json-status-fd 3"
        let etc = ["passwd", "group", "hosts", "nsswitch.conf"].map { " --ro-bind /r/j/etc/\($0) /etc/\($0)" }.joined()
        func mounts(_ network: String) -> String {
            " --ro-bind /usr /usr --symlink usr/lib /lib --ro-bind /lib64 /lib64 --perms 0755 --dir /etc --perms 0755 --dir /etc --ro-bind /etc/ssl /etc/ssl"
                + network + etc
                + " --proc /proc --dev /dev --size 67108864 --perms 1777 --tmpfs /tmp --size 67108864 --perms 1777 --tmpfs /dev/shm"
                + " --perms 0755 --dir /opt --ro-bind /opt/env /opt/env"
                + ["", "/inputs", "/outputs", "/files"].map { " --perms 0755 --dir /slipway\($0)" }.joined()
                + " --bind /r/j/work /slipway/work --ro-bind /d/code /slipway/code --ro-bind /d/i /slipway/inputs/i --bind /d/o /slipway/outputs/o"
                + " --remount-ro /"
        }
        let two = Bubblewrap(program: "/b/bwrap", identity: .dropped(7), host: host).plan(spec, scratch: scratch)
        #expect(
            two.outer.joined(separator: " ") == "--die-with-parent" + isolation + " --unshare-net" + mounts("")
                + " --cap-drop ALL --cap-add CAP_SETUID --cap-add CAP_SETGID --cap-add CAP_SETPCAP")
        #expect(two.inner?.joined(separator: " ") == own + " --dev-bind / /" + kernel + start)
        #expect(
            two.arguments.joined(separator: " ")
                == "/b/bwrap --args 4 -- /usr/bin/setpriv --reuid=7 --regid=7 --clear-groups --inh-caps=-all"
                + " --bounding-set=-all --no-new-privs -- /usr/bin/bwrap --args 5 -- python x")
        spec.network = true
        let one = Bubblewrap(program: "/b/bwrap", identity: .userNamespace(7), host: host).plan(spec, scratch: scratch)
        #expect(
            one.outer.joined(separator: " ") == own + isolation
                + mounts(" --perms 0755 --dir /etc --ro-bind /etc/resolv.conf /etc/resolv.conf") + kernel
                + start)
        #expect(one.inner == nil && one.arguments == ["/b/bwrap", "--args", "4", "--", "python", "x"])
    }

    static let hierarchies: [(mounts: String, own: String, missing: Set<String>, expected: [ControlGroupHierarchy])] = [
        (
            "1 0 0:1 / /sys/fs/cgroup/memory rw,relatime shared:9 - cgroup cgroup rw,memory\n2 0 0:2 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n3 0 0:3 / /sys/fs/cgroup/blkio rw - cgroup cgroup rw,blkio\n4 0 0:4 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw",
            "4:memory:/a/b\n1:cpu,cpuacct:/\n0::/\n", [],
            [
                .init(version: .v1, controllers: ["memory"], base: "/sys/fs/cgroup/memory/a/b"),
                .init(version: .v1, controllers: ["cpu", "cpuacct"], base: "/sys/fs/cgroup/cpu,cpuacct"),
                .init(version: .v2, controllers: [], base: "/sys/fs/cgroup/unified"),
            ]
        ),
        (
            "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate",
            "0::/system.slice/slipway.service\n", [],
            [.init(version: .v2, controllers: [], base: "/sys/fs/cgroup/system.slice/slipway.service")]
        ),
        (
            // A container that sees only its own part, under a mount point with a space.
            "5 0 0:5 /docker/abc /cg\\040x/memory rw - cgroup cgroup rw,memory", "3:memory:/docker/abc/in\n", [],
            [.init(version: .v1, controllers: ["memory"], base: "/cg x/memory/in")]
        ),
        (
            "5 0 0:5 / /cg/memory rw - cgroup cgroup rw,memory", "3:memory:/not/mounted/here\n",
            ["/cg/memory/not/mounted/here"],
            [.init(version: .v1, controllers: ["memory"], base: "/cg/memory")]
        ),
        ("nonsense\n1 2 3\n", "x", [], []),
    ]

    @Test(arguments: hierarchies.indices)
    func `control group hierarchies are found`(_ index: Int) {
        let (mounts, own, missing, expected) = Self.hierarchies[index]
        #expect(ControlGroupHierarchy.parse(mountInfo: mounts, selfCgroup: own) { !missing.contains($0) } == expected)
    }

    /// The files of cgroup v2 as the kernel's documentation (cgroup-v2.rst) has them, on an ordinary folder: this says what
    /// is written where. Whether a kernel holds to it is for machines that have v2.
    @Test func `limits under cgroup v2`() throws {
        let folder = try TestFolder()
        let job = folder.folder("job")
        for name in ["memory.max", "memory.swap.max", "cpu.max", "pids.max"] { _ = folder.write("job/\(name)", "") }
        _ = folder.write("job/memory.events", "low 0\nhigh 0\nmax 12\noom 1\noom_kill 2\n")
        _ = folder.write("job/cpu.stat", "usage_usec 1500000\nuser_usec 1\n")
        _ = folder.write("job/memory.peak", "4096\n")
        _ = folder.write("job/cgroup.procs", "")
        var group = JobGroup(id: "job", places: [])
        let spec = JobSpec(
            id: "job", command: ["x"], memoryBytes: 1 << 30, cpuCount: 0.25, processCount: 9, logPath: "/l")
        group.add(.init(version: .v2, controllers: ["memory", "cpu", "pids"], folder: job), spec)
        let written = ["memory.max", "memory.swap.max", "cpu.max", "pids.max"].map { readText("\(job)/\($0)") }
        #expect(
            written == ["1073741824", "0", "25000 100000", "9"]
                && [group.memory, group.cpu, group.processes] == [.cgroupV2, .cgroupV2, .cgroupV2]
                && group.oomKills() == 2 && group.cpuSeconds() == 1.5 && group.peakMemoryBytes() == 4096
                && group.joinFiles == ["\(job)/cgroup.procs"])
    }

    @Test func `reports of bubblewrap and of the script`() {
        let texts = [
            "", "{ \"child-pid\": 2, \"mnt-namespace\": 4026532255 }\n", "{ \"child-pid\": 2 }\n{ \"exit-code\": 7 }\n",
            "started\n", "{ \"exit",
        ]
        #expect(
            texts.map(LaunchStatus.init(parsing:)) == [
                .init(), .init(started: true), .init(started: true, exitCode: 7), .init(started: true), .init(),
            ])
    }

    @Test func `outcomes`() {
        func outcome(_ ending: JobOutcome.Ending, _ reported: Int? = nil, oom: Int = 0, _ line: String = "")
            -> JobOutcome
        {
            JobOutcome(ending, reported: reported, oomKills: oom, memoryLimit: 8 << 20, program: "prog", lastLine: line)
        }
        let cases: [(JobOutcome, JobOutcome)] = [
            (outcome(.byItself(.exited(0)), 0), .succeeded), (outcome(.byItself(.exited(0)), 0, oom: 1), .succeeded),
            (outcome(.byItself(.exited(137)), 137, oom: 1), .outOfMemory(limitBytes: 8 << 20)),
            (
                outcome(.byItself(.signalled(11))),
                .failed(exitCode: 139, reason: "The command was ended by signal 11 (SIGSEGV).")
            ),
            (
                outcome(.byItself(.exited(255)), 255),
                .failed(exitCode: 255, reason: "The command ended with exit code 255.")
            ),
            (outcome(.cancelled, 0), .cancelled),
            (outcome(.timedOut(seconds: 2.5), 137, oom: 1), .timedOut(seconds: 2.5)),
        ]
        #expect(cases.map(\.0) == cases.map(\.1))
        let missing = outcome(.byItself(.exited(1)), 1, "bwrap: execvp prog: No such file or directory")
        #expect(
            missing.description
                == "The program prog could not be started in the job (prog: No such file or directory). Is it on the job's PATH, and its environment named?"
        )
        #expect(
            [JobOutcome.timedOut(seconds: 60), .outOfMemory(limitBytes: 8 << 20)].map(\.description) == [
                "The job ran longer than its 60 s and was stopped. Raise timeout_seconds or do less.",
                "The job used more memory than its limit of 8 MiB. Raise the limit or use less.",
            ])
    }

    @Test func `process entries`() {
        let entry = ProcessTree.parse("42 (a) b (c) S 1 40 39 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 777 1000 2\n")
        #expect(entry == .init(pid: 42, command: "a) b (c", state: "S", parent: 1, session: 39, startTicks: 777))
        #expect(ProcessTree.parse("42 (x) S 1") == nil && ProcessTree.parse("") == nil)
        func make(_ pid: Int32, _ parent: Int32, _ session: Int32, _ state: Character = "S") -> ProcessTree.Entry {
            .init(pid: pid, command: "", state: state, parent: parent, session: session, startTicks: 0)
        }
        // 5 left the family but not the session, 6 is its child with a session of its own; 4 has ended.
        let all = [
            make(1, 0, 1), make(2, 1, 2), make(3, 2, 2), make(4, 3, 2, "Z"), make(5, 1, 2), make(6, 5, 6),
            make(7, 1, 7),
        ]
        #expect(ProcessTree.tree(of: 2, in: all).map(\.pid) == [2, 3, 5, 6])
    }

    @Test func `a log within its size is whole`() throws {
        let folder = try TestFolder()
        var log = try JobLog(path: "\(folder.path)/log", maximumBytes: 200_000)
        log.append(Array(repeating: 97, count: 150_000)[...])
        log.append(Array(repeating: 98, count: 50_000)[...])
        let omitted = log.finish(note: "end")
        #expect(omitted == 0 && readText("\(folder.path)/log").utf8.count == 200_000 + "[slipway] end\n".utf8.count)
    }

    @Test func `python environments`() throws {
        let folder = try TestFolder()
        #expect(shell("python3 -m venv --without-pip \(folder.path)/v") == 0)
        _ = folder.folder("v/lib/python3.11/site-packages/numpy-2.1.0.dist-info")
        let found = try PythonEnvironment(path: "\(folder.path)/v")
        #expect(
            found.interpreter == "\(folder.path)/v/bin/python" && found.binFolder == "\(folder.path)/v/bin"
                && found.readOnlyPaths.first == "\(folder.path)/v" && found.distributions.contains("numpy-2.1.0"),
            "\(found)")
        #expect(throws: SlipwayError.self) { try PythonEnvironment(path: "\(folder.path)/v/lib") }
    }
}
