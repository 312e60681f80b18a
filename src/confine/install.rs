//! Handing the restrictions to the kernel.

use rustix::thread::{no_new_privs, set_no_new_privs};

use super::filter;

/// Takes from this thread every way to gain privileges by a program it might start; whether that holds.
pub(super) fn no_new_privileges() -> bool {
    set_no_new_privs(true).is_ok() && no_new_privs().is_ok_and(|set| set)
}

/// Restricts this thread's system calls; whether that holds.
pub(super) fn system_calls() -> bool {
    let Some(program) = filter::program() else { return false };
    // On kernels before 5.16 a filter also turns on a slow processor mode against speculation past stores, which guests without a
    // clock cannot exploit. Kernels before 4.17 do not know the flag.
    install(program, libc::SECCOMP_FILTER_FLAG_SPEC_ALLOW) || install(program, 0)
}

#[allow(unsafe_code)]
fn install(program: &'static [libc::sock_filter], flags: libc::c_ulong) -> bool {
    let Ok(len) = u16::try_from(program.len()) else { return false };
    let program = libc::sock_fprog { len, filter: program.as_ptr().cast_mut() };
    // SAFETY: the kernel reads `len` instructions at `filter`, which are there for the life of the process, checks and copies them
    // before it returns, and writes nothing. What the filter then does is make system calls of this thread fail.
    let result =
        unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, flags, std::ptr::from_ref(&program)) };
    result == 0
}
