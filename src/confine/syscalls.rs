//! Which system calls a confined thread may make.
//!
//! What is listed as allowed is what guests' threads need: files they have or open below their directories, memory, threads, time,
//! and saying something on what is open. What is listed as denied is refused in a way that shows; the rest is answered as if the
//! kernel did not have it.

use linux_raw_sys::general as nr;

use crate::time::RANDOM_BYTES_CALL;

/// A condition on a call's arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Check {
    /// Allowed when none of these bits is set.
    Without { argument: u32, bits: u32 },
    /// Allowed when one of these bits is set.
    With { argument: u32, bits: u32 },
    /// Allowed with these values.
    OneOf { argument: u32, values: &'static [u32] },
    /// Allowed when it is this process's number.
    OwnProcess { argument: u32 },
    /// Allowed when all of these are zero.
    Zero { arguments: &'static [u32] },
    /// Never, but answered as a call that the kernel does not have, so that the C library makes an older one.
    Unknown,
}

/// What the kernel calls the machine this program is built for.
pub(super) const OWN_ARCHITECTURE: Option<u32> = if cfg!(all(target_arch = "x86_64", target_pointer_width = "64")) {
    Some(0xC000_003E)
} else if cfg!(target_arch = "aarch64") {
    Some(0xC000_00B7)
} else if cfg!(target_arch = "arm") {
    Some(0x4000_0028)
} else if cfg!(target_arch = "riscv64") {
    Some(0xC000_00F3)
} else {
    None
};

/// Calls that are allowed.
pub(super) const ALLOWED: &[&[u32]] = &[FILES, MEMORY, THREADS, TIME, MACHINE];

/// Calls that are allowed with some arguments.
pub(super) const CHECKED: &[&[(u32, Check)]] = &[CONDITIONAL, MACHINE_CONDITIONAL];

/// Calls that are denied.
pub(super) const DENIED: &[&[u32]] = &[PROGRAMS, SOCKETS, PROCESSES, SYSTEM, DESCRIPTORS, OWNERS, MACHINE_DENIED];

/// Files: which of them is the matter of Landlock.
const FILES: &[u32] = &[
    nr::__NR_close,
    nr::__NR_copy_file_range,
    nr::__NR_dup,
    nr::__NR_dup3,
    nr::__NR_faccessat,
    nr::__NR_faccessat2,
    nr::__NR_fallocate,
    nr::__NR_fdatasync,
    nr::__NR_flock,
    nr::__NR_fsync,
    nr::__NR_getcwd,
    nr::__NR_getdents64,
    nr::__NR_linkat,
    nr::__NR_lseek,
    nr::__NR_mkdirat,
    nr::__NR_openat,
    nr::__NR_openat2,
    nr::__NR_ppoll,
    nr::__NR_pread64,
    nr::__NR_preadv,
    nr::__NR_pwrite64,
    nr::__NR_pwritev,
    nr::__NR_read,
    nr::__NR_readlinkat,
    nr::__NR_readv,
    nr::__NR_renameat2,
    nr::__NR_statx,
    nr::__NR_symlinkat,
    nr::__NR_unlinkat,
    nr::__NR_utimensat,
    nr::__NR_write,
    nr::__NR_writev,
];

/// Memory: see also the conditions below.
const MEMORY: &[u32] = &[nr::__NR_brk, nr::__NR_madvise, nr::__NR_mremap, nr::__NR_munmap];

/// Threads of this process, their signals and locks, and who they are.
const THREADS: &[u32] = &[
    nr::__NR_exit,
    nr::__NR_exit_group,
    nr::__NR_futex,
    nr::__NR_getegid,
    nr::__NR_geteuid,
    nr::__NR_getgid,
    nr::__NR_getpid,
    nr::__NR_getppid,
    RANDOM_BYTES_CALL,
    nr::__NR_getrusage,
    nr::__NR_gettid,
    nr::__NR_getuid,
    nr::__NR_membarrier,
    nr::__NR_restart_syscall,
    nr::__NR_rseq,
    nr::__NR_rt_sigaction,
    nr::__NR_rt_sigprocmask,
    nr::__NR_rt_sigreturn,
    nr::__NR_sched_getaffinity,
    nr::__NR_sched_yield,
    nr::__NR_set_robust_list,
    nr::__NR_set_tid_address,
    nr::__NR_sigaltstack,
    nr::__NR_sysinfo,
    nr::__NR_uname,
];

/// What a guest's thread needs for clocks and for sleeping.
const TIME: &[u32] = &[
    nr::__NR_clock_getres,
    nr::__NR_clock_gettime,
    nr::__NR_clock_nanosleep,
    nr::__NR_gettimeofday,
    nr::__NR_nanosleep,
];

// From the kernel's headers, the same on every machine.
const PROT_EXEC: u32 = 4;
const CLONE_THREAD: u32 = 0x1_0000;
const TCGETS: u32 = 0x5401;
const TIOCGWINSZ: u32 = 0x5413;
const FIONREAD: u32 = 0x541B;
const FIOCLEX: u32 = 0x5451;
const PR_SET_NAME: u32 = 15;
const PR_GET_NAME: u32 = 16;
const PR_GET_NO_NEW_PRIVS: u32 = 39;
/// What the kernel told the process at its start, where the C library does not keep it.
const PR_GET_AUXV: u32 = 0x4155_5856;
/// Names a range of memory, as the C library's allocator does.
const PR_SET_VMA: u32 = 0x5356_4d41;

/// Descriptors, flags and locks; none that would have signals sent to others (`F_SETOWN` and its like).
const FCNTL: Check = Check::OneOf { argument: 1, values: &[0, 1, 2, 3, 4, 5, 6, 7, 12, 13, 14, 36, 37, 38, 1030] };
const NO_CODE: Check = Check::Without { argument: 2, bits: PROT_EXEC };

const CONDITIONAL: &[(u32, Check)] = &[
    (nr::__NR_clone, Check::With { argument: 0, bits: CLONE_THREAD }),
    (nr::__NR_clone3, Check::Unknown), // its flags lie in memory, where a filter cannot look
    (nr::__NR_ioctl, Check::OneOf { argument: 1, values: &[TCGETS, TIOCGWINSZ, FIONREAD, FIOCLEX] }),
    (nr::__NR_mprotect, NO_CODE),
    (
        nr::__NR_prctl,
        Check::OneOf { argument: 0, values: &[PR_SET_NAME, PR_GET_NAME, PR_GET_NO_NEW_PRIVS, PR_GET_AUXV, PR_SET_VMA] },
    ),
    (nr::__NR_prlimit64, Check::Zero { arguments: &[0, 2] }), // of this process, and only to read
    (nr::__NR_tgkill, Check::OwnProcess { argument: 0 }),
];

const PROGRAMS: &[u32] = &[nr::__NR_execve, nr::__NR_execveat];

const SOCKETS: &[u32] = &[
    nr::__NR_accept,
    nr::__NR_accept4,
    nr::__NR_bind,
    nr::__NR_connect,
    nr::__NR_getpeername,
    nr::__NR_getsockname,
    nr::__NR_getsockopt,
    nr::__NR_listen,
    nr::__NR_recvfrom,
    nr::__NR_recvmmsg,
    nr::__NR_recvmsg,
    nr::__NR_sendmmsg,
    nr::__NR_sendmsg,
    nr::__NR_sendto,
    nr::__NR_setsockopt,
    nr::__NR_shutdown,
    nr::__NR_socket,
    nr::__NR_socketpair,
];

/// Other processes, their memory and their signals.
const PROCESSES: &[u32] = &[
    nr::__NR_kcmp,
    nr::__NR_kill,
    nr::__NR_pidfd_getfd,
    nr::__NR_pidfd_open,
    nr::__NR_pidfd_send_signal,
    nr::__NR_process_madvise,
    nr::__NR_process_mrelease,
    nr::__NR_process_vm_readv,
    nr::__NR_process_vm_writev,
    nr::__NR_ptrace,
    nr::__NR_rt_sigqueueinfo,
    nr::__NR_rt_tgsigqueueinfo,
    nr::__NR_setns,
    nr::__NR_setpgid,
    nr::__NR_setpriority,
    nr::__NR_setsid,
    nr::__NR_sched_setaffinity,
    nr::__NR_sched_setattr,
    nr::__NR_sched_setparam,
    nr::__NR_sched_setscheduler,
    nr::__NR_tkill,
    nr::__NR_unshare,
    nr::__NR_wait4,
    nr::__NR_waitid,
];

/// The system as a whole: mounts, modules, clocks, power, keys.
const SYSTEM: &[u32] = &[
    nr::__NR_acct,
    nr::__NR_add_key,
    nr::__NR_adjtimex,
    nr::__NR_bpf,
    nr::__NR_chroot,
    nr::__NR_clock_adjtime,
    nr::__NR_clock_settime,
    nr::__NR_delete_module,
    nr::__NR_finit_module,
    nr::__NR_fsconfig,
    nr::__NR_fsmount,
    nr::__NR_fsopen,
    nr::__NR_fspick,
    nr::__NR_init_module,
    nr::__NR_kexec_load,
    nr::__NR_keyctl,
    nr::__NR_landlock_add_rule,
    nr::__NR_landlock_create_ruleset,
    nr::__NR_landlock_restrict_self,
    nr::__NR_lookup_dcookie,
    nr::__NR_mount,
    nr::__NR_mount_setattr,
    nr::__NR_move_mount,
    nr::__NR_nfsservctl,
    nr::__NR_open_tree,
    nr::__NR_perf_event_open,
    nr::__NR_personality,
    nr::__NR_pivot_root,
    nr::__NR_quotactl,
    nr::__NR_quotactl_fd,
    nr::__NR_reboot,
    nr::__NR_request_key,
    nr::__NR_seccomp,
    nr::__NR_setdomainname,
    nr::__NR_sethostname,
    nr::__NR_settimeofday,
    nr::__NR_swapoff,
    nr::__NR_swapon,
    nr::__NR_syslog,
    nr::__NR_umount2,
    nr::__NR_vhangup,
];

/// Ways around the checks on paths, and kernel interfaces with long histories of holes.
const DESCRIPTORS: &[u32] = &[
    nr::__NR_chdir,
    nr::__NR_fanotify_init,
    nr::__NR_fanotify_mark,
    nr::__NR_fchdir,
    nr::__NR_inotify_add_watch,
    nr::__NR_inotify_init1,
    nr::__NR_io_submit,
    nr::__NR_io_setup,
    nr::__NR_io_uring_enter,
    nr::__NR_io_uring_register,
    nr::__NR_io_uring_setup,
    nr::__NR_memfd_create,
    nr::__NR_mknodat,
    nr::__NR_mq_open,
    nr::__NR_name_to_handle_at,
    nr::__NR_open_by_handle_at,
    nr::__NR_pkey_mprotect,
    nr::__NR_remap_file_pages,
    nr::__NR_shmat,
    nr::__NR_shmget,
    nr::__NR_splice,
    nr::__NR_tee,
    nr::__NR_truncate,
    nr::__NR_userfaultfd,
    nr::__NR_vmsplice,
];

/// Owners, permissions and identities.
const OWNERS: &[u32] = &[
    nr::__NR_capset,
    nr::__NR_fchmod,
    nr::__NR_fchmodat,
    nr::__NR_fchown,
    nr::__NR_fchownat,
    nr::__NR_fremovexattr,
    nr::__NR_fsetxattr,
    nr::__NR_lremovexattr,
    nr::__NR_lsetxattr,
    nr::__NR_removexattr,
    nr::__NR_setfsgid,
    nr::__NR_setfsuid,
    nr::__NR_setgid,
    nr::__NR_setgroups,
    nr::__NR_setregid,
    nr::__NR_setresgid,
    nr::__NR_setresuid,
    nr::__NR_setreuid,
    nr::__NR_setuid,
    nr::__NR_setxattr,
    nr::__NR_umask,
];

// What only some machines have.

#[cfg(target_arch = "x86_64")]
const MACHINE: &[u32] = &[
    nr::__NR_access,
    nr::__NR_arch_prctl,
    nr::__NR_dup2,
    nr::__NR_fadvise64,
    nr::__NR_fstat,
    nr::__NR_ftruncate,
    nr::__NR_getrlimit,
    nr::__NR_link,
    nr::__NR_lstat,
    nr::__NR_mkdir,
    nr::__NR_newfstatat,
    nr::__NR_open,
    nr::__NR_poll,
    nr::__NR_readlink,
    nr::__NR_rename,
    nr::__NR_renameat,
    nr::__NR_rmdir,
    nr::__NR_stat,
    nr::__NR_symlink,
    nr::__NR_time,
    nr::__NR_unlink,
];
#[cfg(target_arch = "x86_64")]
const MACHINE_DENIED: &[u32] = &[
    nr::__NR_chmod,
    nr::__NR_chown,
    nr::__NR_fork,
    nr::__NR_ioperm,
    nr::__NR_iopl,
    nr::__NR_kexec_file_load,
    nr::__NR_lchown,
    nr::__NR_mknod,
    nr::__NR_modify_ldt,
    nr::__NR_setrlimit,
    nr::__NR_utimes,
    nr::__NR_vfork,
];

#[cfg(target_arch = "aarch64")]
const MACHINE: &[u32] = &[
    nr::__NR_fadvise64,
    nr::__NR_fstat,
    nr::__NR_ftruncate,
    nr::__NR_getrlimit,
    nr::__NR_newfstatat,
    nr::__NR_renameat,
];

#[cfg(target_arch = "riscv64")]
const MACHINE: &[u32] = &[
    nr::__NR_fadvise64,
    nr::__NR_fstat,
    nr::__NR_ftruncate,
    nr::__NR_getrlimit,
    nr::__NR_newfstatat,
    nr::__NR_riscv_flush_icache,
];

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64"))]
const MACHINE_CONDITIONAL: &[(u32, Check)] = &[(nr::__NR_fcntl, FCNTL), (nr::__NR_mmap, NO_CODE)];
#[cfg(any(target_arch = "aarch64", target_arch = "riscv64"))]
const MACHINE_DENIED: &[u32] = &[nr::__NR_kexec_file_load, nr::__NR_setrlimit];

#[cfg(target_arch = "arm")]
const MACHINE: &[u32] = &[
    nr::__NR__llseek,
    nr::__NR_access,
    nr::__NR_arm_fadvise64_64,
    nr::__NR_clock_getres_time64,
    nr::__NR_clock_gettime64,
    nr::__NR_clock_nanosleep_time64,
    nr::__NR_dup2,
    nr::__NR_fstat,
    nr::__NR_fstat64,
    nr::__NR_fstatat64,
    nr::__NR_ftruncate,
    nr::__NR_ftruncate64,
    nr::__NR_futex_time64,
    nr::__NR_getegid32,
    nr::__NR_geteuid32,
    nr::__NR_getgid32,
    nr::__NR_getuid32,
    nr::__NR_link,
    nr::__NR_lstat,
    nr::__NR_lstat64,
    nr::__NR_mkdir,
    nr::__NR_open,
    nr::__NR_poll,
    nr::__NR_ppoll_time64,
    nr::__NR_readlink,
    nr::__NR_rename,
    nr::__NR_renameat,
    nr::__NR_rmdir,
    nr::__NR_sigreturn,
    nr::__NR_stat,
    nr::__NR_stat64,
    nr::__NR_symlink,
    nr::__NR_ugetrlimit,
    nr::__NR_unlink,
    nr::__NR_utimensat_time64,
];
#[cfg(target_arch = "arm")]
const MACHINE_CONDITIONAL: &[(u32, Check)] =
    &[(nr::__NR_fcntl, FCNTL), (nr::__NR_fcntl64, FCNTL), (nr::__NR_mmap2, NO_CODE)];
#[cfg(target_arch = "arm")]
const MACHINE_DENIED: &[u32] = &[
    nr::__NR_chmod,
    nr::__NR_chown,
    nr::__NR_fork,
    nr::__NR_kexec_file_load,
    nr::__NR_lchown,
    nr::__NR_mknod,
    nr::__NR_setrlimit,
    nr::__NR_utimes,
    nr::__NR_vfork,
];

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "arm", target_arch = "riscv64")))]
const MACHINE: &[u32] = &[];
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "arm", target_arch = "riscv64")))]
const MACHINE_CONDITIONAL: &[(u32, Check)] = &[];
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "arm", target_arch = "riscv64")))]
const MACHINE_DENIED: &[u32] = &[];
