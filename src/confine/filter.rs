//! The filter over system calls, as a program for the kernel's packet filter machine.

use std::sync::OnceLock;

use libc::sock_filter;

use super::syscalls::{self, ALLOWED, CHECKED, Check, DENIED, OWN_ARCHITECTURE};

/// The answer to a call whose number nobody knows here: the C library then does without it.
const UNKNOWN: u32 = libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32;

/// The answer to a call that must not be. The thread goes on: ending it would leave the host's locks held, and ending the process
/// would let a plugin end the session.
const REFUSED: u32 = libc::SECCOMP_RET_ERRNO | libc::EPERM as u32;

const PERMITTED: u32 = libc::SECCOMP_RET_ALLOW;

// Where the kernel's `struct seccomp_data` has what is looked at.
const NUMBER: u32 = 0;
const ARCHITECTURE: u32 = 4;
const ARGUMENTS: u32 = 16;

const LOAD: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;
const JUMP: u16 = (libc::BPF_JMP | libc::BPF_JA) as u16;
const IF_EQUAL: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
const IF_AT_LEAST: u16 = (libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K) as u16;
const IF_ANY_BIT: u16 = (libc::BPF_JMP | libc::BPF_JSET | libc::BPF_K) as u16;

/// What is done with a range of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Return(u32),
    Check(Check),
}

/// The filter of this process; none on a machine whose calls are not known here.
pub(super) fn program() -> Option<&'static [sock_filter]> {
    static PROGRAM: OnceLock<Option<Vec<sock_filter>>> = OnceLock::new();
    PROGRAM.get_or_init(|| OWN_ARCHITECTURE.map(assemble)).as_deref()
}

fn assemble(architecture: u32) -> Vec<sock_filter> {
    let mut program = vec![
        statement(LOAD, ARCHITECTURE),
        jump(IF_EQUAL, architecture, 1, 0),
        statement(RETURN, REFUSED),
        statement(LOAD, NUMBER),
    ];
    program.extend(search(&ranges()));
    program
}

/// The first number of each range in order, with what is done from there on.
fn ranges() -> Vec<(u32, Action)> {
    let mut known: Vec<(u32, Action)> = Vec::new();
    known.extend(ALLOWED.iter().flat_map(|part| part.iter()).map(|number| (*number, Action::Return(PERMITTED))));
    known.extend(DENIED.iter().flat_map(|part| part.iter()).map(|number| (*number, Action::Return(REFUSED))));
    known.extend(CHECKED.iter().flat_map(|part| part.iter()).map(|(number, check)| (*number, Action::Check(*check))));
    known.sort_unstable_by_key(|(number, _)| *number);
    let mut ranges = vec![(0, Action::Return(UNKNOWN))];
    for (number, action) in known {
        // The last one begins at this number if the call before it stands directly before it.
        ranges.pop_if(|(start, _)| *start == number);
        if ranges.last().is_none_or(|(_, last)| *last != action) {
            ranges.push((number, action));
        }
        ranges.push((number + 1, Action::Return(UNKNOWN)));
    }
    ranges
}

/// Finds the range of the number that is loaded by halving: few steps for each call, and few when the kernel tries all numbers
/// beforehand to know which it may let pass without asking.
fn search(ranges: &[(u32, Action)]) -> Vec<sock_filter> {
    match ranges {
        [] => vec![statement(RETURN, UNKNOWN)],
        [(_, Action::Return(value))] => vec![statement(RETURN, *value)],
        [(_, Action::Check(check))] => arguments(*check),
        _ => {
            let (low, high) = ranges.split_at(ranges.len() / 2);
            let below = search(low);
            // A conditional jump reaches 255 steps, a plain one any number: a program has at most 4,096.
            let mut program = vec![jump(IF_AT_LEAST, high[0].0, 0, 1), statement(JUMP, below.len() as u32)]; // `high` is not empty: there are two ranges at least
            program.extend(below);
            program.extend(search(high));
            program
        }
    }
}

/// Looks at the lower half of arguments; the upper half of those that are checked has no meaning to the kernel, but for pointers.
fn arguments(check: Check) -> Vec<sock_filter> {
    let load = |argument: u32| statement(LOAD, ARGUMENTS + 8 * argument);
    let load_upper = |argument: u32| statement(LOAD, ARGUMENTS + 8 * argument + 4);
    let (permitted, refused) = (statement(RETURN, PERMITTED), statement(RETURN, REFUSED));
    match check {
        Check::Without { argument, bits } => {
            vec![load(argument), jump(IF_ANY_BIT, bits, 0, 1), refused, permitted]
        }
        Check::With { argument, bits } => {
            vec![load(argument), jump(IF_ANY_BIT, bits, 0, 1), permitted, refused]
        }
        Check::OneOf { argument, values } => {
            let mut program = vec![load(argument)];
            for value in values {
                program.extend([jump(IF_EQUAL, *value, 0, 1), permitted]);
            }
            program.push(refused);
            program
        }
        Check::OwnProcess { argument } => {
            vec![load(argument), jump(IF_EQUAL, std::process::id(), 0, 1), permitted, refused]
        }
        Check::Zero { arguments } => {
            let mut program = Vec::new();
            for argument in arguments {
                for half in [load(*argument), load_upper(*argument)] {
                    program.extend([half, jump(IF_EQUAL, 0, 1, 0), refused]);
                }
            }
            program.push(permitted);
            program
        }
        Check::Unknown => vec![statement(RETURN, UNKNOWN)],
    }
}

const fn statement(code: u16, k: u32) -> sock_filter {
    jump(code, k, 0, 0)
}

const fn jump(code: u16, k: u32, jt: u8, jf: u8) -> sock_filter {
    sock_filter { code, jt, jf, k }
}

// The halves of arguments are found as above only where the lower one comes first.
const _: () = assert!(cfg!(target_endian = "little") || syscalls::OWN_ARCHITECTURE.is_none());

#[cfg(test)]
mod tests {
    use super::*;

    /// What the program answers to a call, as the kernel's machine computes it. It ends, because jumps lead forward only.
    fn answer(program: &[sock_filter], architecture: u32, number: u32, arguments: [u64; 6]) -> u32 {
        let (mut at, mut loaded) = (0, 0);
        loop {
            let sock_filter { code, jt, jf, k } = program[at];
            at += 1;
            let skip = |condition: bool| usize::from(if condition { jt } else { jf });
            match code {
                LOAD => {
                    loaded = match k {
                        NUMBER => number,
                        ARCHITECTURE => architecture,
                        _ => {
                            let (argument, upper) = ((k - ARGUMENTS) / 8, !(k - ARGUMENTS).is_multiple_of(8));
                            (arguments[argument as usize] >> if upper { 32 } else { 0 }) as u32
                        }
                    }
                }
                RETURN => return k,
                JUMP => at += k as usize,
                IF_EQUAL => at += skip(loaded == k),
                IF_AT_LEAST => at += skip(loaded >= k),
                IF_ANY_BIT => at += skip(loaded & k != 0),
                other => panic!("{other} is no instruction of ours"),
            }
        }
    }

    fn own() -> (&'static [sock_filter], u32) {
        (program().expect("a machine whose calls are known"), OWN_ARCHITECTURE.expect("the same"))
    }

    #[test]
    fn each_number_is_answered_as_it_is_listed_and_no_other_is_let_through() {
        let (program, architecture) = own();
        assert!(program.len() < 4_096, "{} instructions are more than the kernel takes", program.len());
        let listed = |lists: &[&[u32]], number| lists.iter().any(|part| part.contains(&number));
        for number in (0..1_024).chain([0x4000_0000, 0x4000_003b, u32::MAX]) {
            // Arguments that pass no condition but those of ranges that must be zero.
            let answer = answer(program, architecture, number, [u64::MAX; 6]);
            let checked = CHECKED.iter().flat_map(|part| part.iter()).find(|(known, _)| *known == number);
            let expected = match checked {
                Some((_, Check::With { .. })) => PERMITTED,
                Some((_, Check::Unknown)) => UNKNOWN,
                Some(_) => REFUSED,
                None if listed(ALLOWED, number) => PERMITTED,
                None if listed(DENIED, number) => REFUSED,
                None => UNKNOWN,
            };
            assert_eq!(answer, expected, "call {number}");
        }
    }

    #[test]
    fn no_number_is_listed_twice() {
        let conditional = CHECKED.iter().flat_map(|part| part.iter()).map(|(number, _)| number);
        let mut all: Vec<u32> =
            ALLOWED.iter().chain(DENIED).flat_map(|part| part.iter()).chain(conditional).copied().collect();
        all.sort_unstable();
        for pair in all.windows(2) {
            assert_ne!(pair[0], pair[1]);
        }
    }

    #[test]
    fn conditions_look_at_arguments() {
        use linux_raw_sys::general as nr;
        let (program, architecture) = own();
        let own_number = u64::from(std::process::id());
        let own = |number, arguments| answer(program, architecture, number, arguments);
        for (number, arguments, expected) in [
            (nr::__NR_mprotect, [0, 4096, 3, 0, 0, 0], PERMITTED), // read and write
            (nr::__NR_mprotect, [0, 4096, 5, 0, 0, 0], REFUSED),   // read and execute
            (nr::__NR_clone, [0x3d_0f00, 0, 0, 0, 0, 0], PERMITTED), // as the C library starts a thread
            (nr::__NR_clone, [17, 0, 0, 0, 0, 0], REFUSED),        // as it forks
            (nr::__NR_tgkill, [own_number, 1, 6, 0, 0, 0], PERMITTED),
            (nr::__NR_tgkill, [1, 1, 6, 0, 0, 0], REFUSED),
            (nr::__NR_prlimit64, [0, 3, 0, 1 << 32, 0, 0], PERMITTED), // reads its own
            (nr::__NR_prlimit64, [0, 3, 1 << 32, 0, 0, 0], REFUSED),   // sets its own
            (nr::__NR_prlimit64, [1, 3, 0, 1 << 32, 0, 0], REFUSED),
            (nr::__NR_ioctl, [0, u64::from(0x5413_u32), 0, 0, 0, 0], PERMITTED), // the size of a terminal
            (nr::__NR_ioctl, [0, u64::from(0x5412_u32), 0, 0, 0, 0], REFUSED),   // typing into a terminal
            (nr::__NR_prctl, [15, 0, 0, 0, 0, 0], PERMITTED),
            (nr::__NR_prctl, [4, 1, 0, 0, 0, 0], REFUSED),
        ] {
            assert_eq!(own(number, arguments), expected, "call {number} with {arguments:x?}");
        }
    }

    #[test]
    fn calls_of_another_architecture_are_refused() {
        let (program, architecture) = own();
        assert_eq!(answer(program, architecture ^ 1, linux_raw_sys::general::__NR_read, [0; 6]), REFUSED);
    }
}
