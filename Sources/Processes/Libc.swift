#if canImport(Glibc)
    import Glibc

    /// Functions of glibc that its headers show only to _GNU_SOURCE, and so not to Swift; found at run time.
    enum Libc {
        typealias Actions = UnsafeMutablePointer<posix_spawn_file_actions_t>

        /// `posix_spawn_file_actions_addclosefrom_np`, glibc 2.34.
        static let closeFrom = find(
            "posix_spawn_file_actions_addclosefrom_np", (@convention(c) (Actions, Int32) -> Int32).self)
        /// `posix_spawn_file_actions_addchdir_np`, glibc 2.29.
        static let changeFolder = find(
            "posix_spawn_file_actions_addchdir_np", (@convention(c) (Actions, UnsafePointer<CChar>) -> Int32).self)
        static let nameThread = find(
            "pthread_setname_np", (@convention(c) (pthread_t, UnsafePointer<CChar>) -> Int32).self)

        private static func find<Function>(_ name: String, _ type: Function.Type) -> Function? {
            // The types are those of the manual pages, and all of them are C functions.
            dlsym(nil, name).map { unsafeBitCast($0, to: type) }
        }
    }
#endif
