import Core
import Testing

@testable import Executors

@Suite struct OutputCollectorTests {
    @Test func `regular files are listed in order`() throws {
        let folder = try TestFolder()
        shell(
            "cd \(folder.path) && mkdir -p a/b empty && printf xyz >a/b/c && : >a.txt && ln a.txt a/same && printf é >'a/né w'"
        )
        let files = try OutputCollector.walk(folder.path)
        #expect(files.map { "\($0.path) \($0.sizeBytes)" } == ["a.txt 0", "a/b/c 3", "a/né w 2", "a/same 0"])
        #expect(files.first?.hostPath == "\(folder.path)/a.txt")
    }

    @Test(arguments: [
        ("ln -s /etc/passwd x", "x is a symbolic link"), ("mkdir d && ln -s .. d/up", "d/up is a symbolic link"),
        ("ln -s nowhere x", "x is a symbolic link"), ("mkfifo p", "p is a device, a pipe or a socket"),
        ("echo 1 >../hidden && ln ../hidden x", "x is a hard link to a file outside"),
        ("touch \"$(printf 'a\\377b')\"", "not UTF-8"), ("touch 'a\\b'", "backslash"),
        ("touch \"$(printf 'a\\nb')\"", "control character"),
        ("mkdir -p $(seq -s / 1 40)", "nested"),
    ])
    func `anything else is refused`(_ script: String, _ problem: String) throws {
        let folder = try TestFolder()
        shell("mkdir \(folder.path)/out && cd \(folder.path)/out && \(script)")
        let error = #expect(throws: SlipwayError.self) { try OutputCollector.walk("\(folder.path)/out") }
        #expect(error?.code == .invalid && error?.message.contains(problem) == true, "\(String(describing: error))")
    }

    @Test func `bounds and a folder that is none`() throws {
        let folder = try TestFolder()
        shell("cd \(folder.path) && mkdir d && for i in 1 2 3 4; do echo 12345 >d/$i; done && ln -s d link")
        let codes = [OutputCollector.Bounds(fileCount: 4), .init(totalBytes: 20), .init(fileCount: 5, totalBytes: 24)]
            .map { bounds in
                do { return "\(try OutputCollector.walk(folder.path + "/d", bounds: bounds).count)" } catch let error
                    as SlipwayError
                { return error.code.rawValue } catch { return "?" }
            }
        #expect(codes == ["4", "too_large", "4"])
        for path in ["link", "none", "d/1"] {
            #expect(throws: SlipwayError.self) { try OutputCollector.walk("\(folder.path)/\(path)") }
        }
    }
}
