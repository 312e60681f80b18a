//! Giving pages that hold nothing but zeros back to the system.
//!
//! The engine fills a new memory with zeros and so makes all of it resident: 1.1 MB for a Rust std plugin, of which it has
//! used 50 KB. On Linux an anonymous page that is given back reads as zeros again, so the guest cannot tell.

/// Gives back the pages of `memory` that are all zero. Costs a look at every byte.
#[cfg(target_os = "linux")]
pub(in crate::sandbox) fn release_zero_pages(memory: &mut [u8]) {
    let page = rustix::param::page_size();
    let start = memory.as_ptr().align_offset(page);
    let Some(aligned) = memory.get_mut(start..) else { return };
    let mut zero = 0; // bytes of zero pages just before the one looked at
    let mut pages = aligned.chunks_exact_mut(page);
    let mut runs = Vec::new();
    let mut at = 0;
    for chunk in &mut pages {
        if chunk.iter().all(|byte| *byte == 0) {
            zero += page;
        } else {
            if zero > 0 {
                runs.push((at - zero, zero));
            }
            zero = 0;
        }
        at += page;
    }
    if zero > 0 {
        runs.push((at - zero, zero));
    }
    for (from, len) in runs {
        let Some(run) = aligned.get_mut(from..from + len) else { return };
        give_back(run);
    }
}

/// Gives back the pages of `zeros`, which the engine has just filled with zeros, so that nobody has to look.
#[cfg(target_os = "linux")]
pub(in crate::sandbox) fn release_fresh_pages(zeros: &mut [u8]) {
    let page = rustix::param::page_size();
    let start = zeros.as_ptr().align_offset(page);
    let Some(aligned) = zeros.get_mut(start..) else { return };
    let whole = aligned.len() - aligned.len() % page;
    give_back(&mut aligned[..whole]);
}

/// Gives back whole pages that are all zero.
#[cfg(target_os = "linux")]
#[allow(unsafe_code)]
fn give_back(zeros: &mut [u8]) {
    use rustix::mm::{Advice, madvise};
    // SAFETY: `zeros` is borrowed mutably, so nobody else reads or writes it meanwhile. It covers whole pages of the
    // process's heap, which the global allocator (the system's) maps private and anonymous; for such pages
    // MADV_DONTNEED means that the next access finds zeros, and zeros are what they hold. The mapping stays, so the
    // allocator can go on using the memory. Where the kernel refuses (locked or huge pages) nothing has changed.
    let _ = unsafe { madvise(zeros.as_mut_ptr().cast(), zeros.len(), Advice::LinuxDontNeed) };
}

/// Elsewhere pages stay.
#[cfg(not(target_os = "linux"))]
pub(in crate::sandbox) fn release_zero_pages(_memory: &mut [u8]) {}

/// Elsewhere pages stay.
#[cfg(not(target_os = "linux"))]
pub(in crate::sandbox) fn release_fresh_pages(_zeros: &mut [u8]) {}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::release_zero_pages;

    #[test]
    fn contents_stay_what_they_were() {
        let mut memory = vec![0_u8; 1 << 20];
        for at in (0..memory.len()).step_by(100_000) {
            memory[at] = 7;
        }
        let before = memory.clone();
        release_zero_pages(&mut memory);
        assert!(memory == before);
        memory.fill(9); // and they can be used again
        release_zero_pages(&mut memory);
        assert!(memory.iter().all(|byte| *byte == 9));
        release_zero_pages(&mut []);
    }
}
