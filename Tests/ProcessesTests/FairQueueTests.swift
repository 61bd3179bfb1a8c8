import Core
import Testing

@testable import Processes

/// Who is next. Each case puts jobs such as `ada:work` (owner and lane; `-` has no owner) and takes as many as may run.
@Suite struct FairQueueTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        let workers: Int
        /// A job to put; `take`; `end N` for the N-th job that was taken; `wait S` lets seconds pass.
        let steps: String
        /// In the order of taking; `none` where nothing may run.
        let taken: String
        var testDescription: String { name }
    }

    @Test(arguments: [
        Case(
            name: "without owners: the order of arrival, on all workers", workers: 2,
            steps: "-:page a, -:page b, -:page c, take, take, take", taken: "a b c"),
        Case(
            name: "interactive first", workers: 2, steps: "ada:work a, bob:work b, eve:page c, take, take",
            taken: "c a"),
        Case(
            name: "long work leaves one worker", workers: 2, steps: "ada:work a, bob:work b, take, take, end 0, take",
            taken: "a none b"),
        Case(
            name: "one worker does all", workers: 1, steps: "ada:work a, take, end 0, ada:page b, take", taken: "a b"),
        Case(
            name: "one long work of an owner, whatever is free", workers: 4,
            steps: "ada:work a, ada:work b, bob:work c, take, take, take, end 0, take", taken: "a c none b"),
        Case(
            name: "an owner's pages leave one worker to the others", workers: 3,
            steps: "ada:page a, ada:page b, ada:page c, take, take, take, bob:page d, take, end 0, take",
            taken: "a b none d c"),
        Case(
            name: "an owner's long work does not stop its pages", workers: 2,
            steps: "ada:work a, take, ada:page b, take", taken: "a b"),
        Case(
            name: "owners take turns", workers: 2,
            steps:
                "ada:page a, ada:page b, ada:page c, bob:page d, bob:page e, take, end 0, take, end 1, take, end 2, take, end 3, take",
            taken: "a d b e c"),
        Case(
            name: "long work does not starve", workers: 1,
            steps: "ada:work a, bob:page b, wait 6, eve:page c, take, end 0, take, end 1, take", taken: "a b c"),
        Case(
            name: "work of the server itself has no owner to share with", workers: 3,
            steps: "-:work a, -:work b, -:work c, take, take, take, eve:page d, take", taken: "a b none d"),
    ])
    func `The next is`(_ example: Case) throws {
        var queue = FairQueue<String>(workers: example.workers)
        var now: UInt64 = 0
        var callers: [WorkerCaller] = []
        var taken: [String] = []
        for step in example.steps.split(separator: ",").map({ $0.drop { $0 == " " } }) {
            let words = step.split(separator: " ")
            switch words[0] {
            case "take":
                if let (item, caller) = queue.take(now: now) {
                    taken.append(item)
                    callers.append(caller)
                } else {
                    taken.append("none")
                }
            case "end": queue.finished(callers[try #require(Int(words[1]))])
            case "wait": now += try #require(UInt64(words[1])) * 1_000_000_000
            default:
                let parts = words[0].split(separator: ":")
                let caller = WorkerCaller(
                    owner: parts[0] == "-" ? nil : String(parts[0]), lane: parts[1] == "page" ? .interactive : .work)
                try queue.put(String(words[1]), caller, now: now)
            }
        }
        #expect(taken.joined(separator: " ") == example.taken)
    }

    @Test func `Too many of one owner are refused, of others not`() throws {
        var queue = FairQueue<Int>(workers: 2)
        let ada = WorkerCaller(owner: "ada", lane: .work)
        for index in 0..<FairQueue<Int>.waitingPerOwner { try queue.put(index, ada, now: 0) }
        let refusal = #expect(throws: SlipwayError.self) { try queue.put(99, ada, now: 0) }
        #expect(
            refusal?.description
                == "rate_limited: 16 requests of ada wait already, as many as may. Wait for their answers, or stop some."
        )
        try queue.put(100, WorkerCaller(owner: "bob", lane: .work), now: 0)
        // Those that gave up make room.
        queue.remove { $0 < 4 }
        try queue.put(101, ada, now: 0)
        #expect(queue.removeAll() == Array(4..<16) + [100, 101])
    }
}
