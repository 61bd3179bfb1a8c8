import Core
import Foundation
import Testing

@testable import Archives

/// Archives are made by Python's own zipfile and tarfile, whose word on the format counts.
@Suite struct ArchiveTests {
    /// Runs Python to make the file `out`; its text has `out` and the modules at hand.
    private func make(_ script: String, _ body: (String) throws -> Void) throws {
        let folder = NSTemporaryDirectory() + "archives-" + ID.make()
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let out = folder + "/archive"
        let program = "import sys, io, os, zipfile, tarfile, gzip, struct, zlib\nout = sys.argv[1]\n" + script
        try program.write(toFile: folder + "/make.py", atomically: false, encoding: .utf8)
        // Not Foundation's Process: its wait can hold a thread that other tests need for good.
        let pipe = try #require(popen("/usr/bin/python3 \(folder)/make.py \(out)", "r"))
        try #require(pclose(pipe) == 0)
        try body(out)
    }

    private func read(_ path: String, _ format: ArchiveFormat, _ limits: ArchiveLimits = .init()) throws -> [String] {
        let reader = try ArchiveReader(path: path, format: format, limits: limits)
        var files: [String] = []
        while let entry = try reader.next() {
            var bytes: [UInt8] = []
            while true {
                let piece = try reader.read(maximumBytes: 1000)
                if piece.isEmpty { break }
                bytes += piece
            }
            #expect(bytes.count == Int(entry.sizeBytes))
            files.append("\(entry.path) \(bytes.count) \(Digest.of(bytes).hex.prefix(8))")
        }
        return files
    }

    private static let tree = """
        files = {'a.txt': b'hello', 'empty': b'', 'deep/er/b.bin': bytes(range(256)) * 400, 'ü/' + 'n' * 80 + '/' + 'n' * 80 + '.txt': b'x'}
        """
    private static let wanted = [
        "a.txt 5 2cf24dba", "deep/er/b.bin 102400 ", "empty 0 e3b0c442",
        "ü/" + String(repeating: "n", count: 80) + "/" + String(repeating: "n", count: 80) + ".txt 1 2d711642",
    ]

    static let packed: [(String, ArchiveFormat, String)] =
        [
            (
                "zip", .zip,
                "z = zipfile.ZipFile(out, 'w', zipfile.ZIP_DEFLATED)\nz.mkdir('dir') if hasattr(z, 'mkdir') else None\nfor k, v in files.items(): z.writestr(k, v)\nz.close()"
            ),
            (
                "stored zip with a comment", .zip,
                "z = zipfile.ZipFile(out, 'w')\nfor k, v in files.items(): z.writestr(k, v)\nz.comment = b'PK' * 30\nz.close()"
            ),
            (
                "zip64", .zip,
                "z = zipfile.ZipFile(out, 'w')\nfor k, v in files.items():\n  with z.open(k, 'w', force_zip64=True) as f: f.write(v)\nz.close()"
            ),
        ]
        + ["USTAR", "GNU", "PAX"].flatMap { form -> [(String, ArchiveFormat, String)] in
            [("w", ArchiveFormat.tar), ("w:gz", .tarGzip)].map { mode, format in
                (
                    "\(form) \(mode)", format,
                    "t = tarfile.open(out, '\(mode)', format=tarfile.\(form)_FORMAT)\nd = tarfile.TarInfo('./dir'); d.type = tarfile.DIRTYPE; t.addfile(d)\nfor k, v in files.items():\n  i = tarfile.TarInfo('./' + k); i.size = len(v); t.addfile(i, io.BytesIO(v))\nt.close()"
                )
            }
        }

    @Test(arguments: packed) func readsWhatPythonPacks(_ name: String, _ format: ArchiveFormat, _ script: String) throws
    {
        try make(Self.tree + "\n" + script) { path in
            let found = try read(path, format).sorted()
            #expect(found.count == Self.wanted.count)
            for (have, want) in zip(found, Self.wanted) { #expect(have.hasPrefix(want), "\(name)") }
        }
    }

    static let refused: [(ArchiveFormat, String, String)] = [
        (.zip, "zipfile.ZipFile(out, 'w').writestr('../evil', b'x')", "contains '..'"),
        (.zip, "zipfile.ZipFile(out, 'w').writestr('/etc/passwd', b'x')", "begins with '/'"),
        (
            .zip, "z = zipfile.ZipFile(out, 'w')\nz.writestr('a', b'x')\nz.writestr('a', b'y')\nz.close()",
            "is there twice"
        ),
        (
            .zip,
            "i = zipfile.ZipInfo('link'); i.create_system = 3; i.external_attr = 0o120777 << 16\nz = zipfile.ZipFile(out, 'w'); z.writestr(i, b'/etc/passwd'); z.close()",
            "is a link or a device"
        ),
        (
            .zip,
            "z = zipfile.ZipFile(out, 'w', zipfile.ZIP_DEFLATED); z.writestr('a', b'hello' * 100); z.close()\nb = bytearray(open(out, 'rb').read()); b[35] ^= 0xFF; open(out, 'wb').write(b)",
            "damaged"
        ),
        (.zip, "open(out, 'wb').write(b'PK nothing')", "is no zip archive"),
        (
            .zip, "z = zipfile.ZipFile(out, 'w', zipfile.ZIP_LZMA); z.writestr('a', b'x' * 99); z.close()",
            "packed by method 14"
        ),
        (
            .zip,  // One piece of data, claimed by two entries.
            """
            z = zipfile.ZipFile(out, 'w', zipfile.ZIP_DEFLATED); z.writestr('a', b'x' * 99); z.writestr('b', b'x' * 99); z.close()
            b = bytearray(open(out, 'rb').read()); at = b.rindex(b'PK\\x01\\x02'); b[at + 42:at + 46] = struct.pack('<I', 0)
            open(out, 'wb').write(b)
            """, "lies over another one"
        ),
        (
            .tar,
            "t = tarfile.open(out, 'w'); i = tarfile.TarInfo('l'); i.type = tarfile.SYMTYPE; i.linkname = '/'; t.addfile(i); t.close()",
            "is a link, a device or a sparse file"
        ),
        (
            .tar,
            "t = tarfile.open(out, 'w'); i = tarfile.TarInfo('l'); i.type = tarfile.LNKTYPE; i.linkname = 'a'; t.addfile(i); t.close()",
            "is a link, a device or a sparse file"
        ),
        (
            .tarGzip,
            "t = tarfile.open(out, 'w:gz'); i = tarfile.TarInfo('a/../../b'); t.addfile(i); t.close()", "contains '..'"
        ),
        (
            .tar,
            "t = tarfile.open(out, 'w'); i = tarfile.TarInfo('a'); i.size = 5000; t.addfile(i, io.BytesIO(b'x' * 5000)); t.close()\nb = open(out, 'rb').read()[:3000]; open(out, 'wb').write(b)",
            "cut short"
        ),
        (
            .tarGzip,
            "t = tarfile.open(out, 'w:gz'); i = tarfile.TarInfo('a'); i.size = 5000; t.addfile(i, io.BytesIO(os.urandom(5000))); t.close()\nb = open(out, 'rb').read()[:-2000]; open(out, 'wb').write(b)",
            "cut short"
        ),
        (.tar, "open(out, 'wb').write(b'x' * 2048)", "is no tar archive"),
    ]

    @Test(arguments: refused) func refuses(_ format: ArchiveFormat, _ script: String, _ reason: String) throws {
        try make(script) { path in
            let error = try #require(throws: SlipwayError.self) { try read(path, format) }
            #expect(error.code == .invalid)
            #expect(error.message.contains(reason), "\(error.message)")
        }
    }

    @Test func limitsAreKept() throws {
        // 100 MB of zeros in 100 kB; 30 files; both in both formats.
        let bombs: [(ArchiveFormat, String)] = [
            (
                .zip,
                "z = zipfile.ZipFile(out, 'w', zipfile.ZIP_DEFLATED)\nfor i in range(30): z.writestr(str(i), bytes(4 << 20))\nz.close()"
            ),
            (
                .tarGzip,
                "t = tarfile.open(out, 'w:gz')\nfor i in range(30):\n  n = tarfile.TarInfo(str(i)); n.size = 4 << 20; t.addfile(n, io.BytesIO(bytes(4 << 20)))\nt.close()"
            ),
        ]
        for (format, script) in bombs {
            try make(script) { path in
                for (change, wanted) in [
                    ({ ($0.entries, $0.ratio) = (29, 2000) }, "29 "),
                    ({ ($0.totalBytes, $0.ratio) = (100 << 20, 2000) }, "bytes that are taken"),
                    ({ _ in }, "200 times its own size"),
                ] as [((inout ArchiveLimits) -> Void, String)] {
                    var limits = ArchiveLimits()
                    change(&limits)
                    let error = try #require(throws: SlipwayError.self) { try read(path, format, limits) }
                    #expect(error.code == .tooLarge)
                    #expect(error.message.contains(wanted), "\(error.message)")
                    var generous = limits
                    generous.entries = 30
                    generous.totalBytes = 1 << 30
                    generous.ratio = 2000
                    #expect(try read(path, format, generous).count == 30)
                }
            }
        }
    }
}
