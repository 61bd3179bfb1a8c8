/// Names for runs and models that nobody named: adjective-noun-number, as in `brisk-heron-412`.
enum RunName {
    static func make() -> String {
        let adjective = adjectives.randomElement() ?? "new"
        let noun = nouns.randomElement() ?? "run"
        return "\(adjective)-\(noun)-\(Int.random(in: 0...999))"
    }

    private static let adjectives = [
        "able", "agile", "amber", "balmy", "bold", "brave", "bright", "brisk", "calm", "candid", "clear", "clever",
        "cosy",
        "crisp", "daring", "deep", "deft", "eager", "early", "fair", "fleet", "fond", "fresh", "gentle", "glad",
        "golden",
        "grand", "handy", "hardy", "honest", "jolly", "keen", "kind", "lively", "loyal", "lucky", "lunar", "mellow",
        "merry",
        "mild", "neat", "nimble", "noble", "open", "patient", "plain", "proud", "quick", "quiet", "rapid", "ready",
        "robust",
        "rosy", "sable", "sharp", "silent", "silver", "smooth", "solar", "solid", "spry", "steady", "sturdy", "sunny",
        "swift", "tidy", "trusty", "upbeat", "vivid", "warm", "wise", "witty", "zesty",
    ]

    private static let nouns = [
        "anchor", "auk", "barge", "beacon", "bosun", "bream", "brig", "buoy", "canoe", "capstan", "cod", "compass",
        "coot",
        "crane", "cutter", "dinghy", "dolphin", "eider", "ferry", "fjord", "galley", "gannet", "grebe", "gull",
        "harbor",
        "helm", "heron", "ibis", "keel", "ketch", "lagoon", "lantern", "loon", "mallard", "mast", "narwhal", "oar",
        "orca",
        "osprey", "otter", "pelican", "petrel", "pike", "plover", "porpoise", "puffin", "rudder", "sail", "salmon",
        "schooner", "seal", "sextant", "skiff", "skua", "sloop", "spar", "sprat", "squid", "stern", "stork", "swan",
        "tern",
        "tiller", "trawler", "trout", "tug", "turtle", "walrus", "wharf", "whale", "yawl",
    ]
}
