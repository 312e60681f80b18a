//! Where requests lie in a guest's memory: in room of its own allocator, or in pages added for them.

use super::Instance;
use crate::sandbox::engine::fault::FaultKind;
use crate::sandbox::instance::exports::Region;
use crate::sandbox::memory::GuestSlice;
use crate::sandbox::memory::reclaim::release_zero_pages;
use crate::sandbox::module::entry_point::EntryPoint;
use crate::sandbox::store::request::MAX_REQUEST;
use crate::sandbox::store::run::run;
use wasmi::TypedFunc;

/// Room for requests is asked for in multiples of this many bytes.
const ROOM: u32 = 256;

impl Instance {
    /// Copies `parts` into the guest and says where each lies.
    pub(super) fn place<const N: usize>(
        &mut self,
        parts: [&[u8]; N],
    ) -> Result<[GuestSlice; N], (EntryPoint, FaultKind)> {
        let total: usize = parts.iter().map(|part| part.len()).sum();
        if total > MAX_REQUEST {
            return Err((EntryPoint::Execute, FaultKind::Request { len: total, limit: MAX_REQUEST }));
        }
        let mut places = parts.map(|part| GuestSlice { ptr: 0, len: part.len() as u32 }); // at most MAX_REQUEST
        if let Some(alloc) = self.exports.alloc {
            self.allocate(alloc, &mut places)?;
            // 0 is how a plugin says that it has no allocator after all.
            if places.iter().any(|place| place.ptr == 0) {
                self.kept.clear();
                self.exports.alloc = None;
            }
        }
        if self.exports.alloc.is_none() {
            if self.plugin().language().claims_added_memory() {
                return Err((EntryPoint::Alloc, FaultKind::NoAllocation));
            }
            let mut at = self.input_region(total)?;
            for place in &mut places {
                place.ptr = at;
                at = at.saturating_add(place.len); // inside the region
            }
        }
        let memory = self.exports.memory.data_mut(&mut self.store);
        for (part, place) in parts.iter().zip(places) {
            let target = place.of_mut(memory).map_err(|outside| (EntryPoint::Alloc, FaultKind::Pointer(outside)))?;
            target.copy_from_slice(part);
        }
        Ok(places)
    }

    /// Puts `places` into room of the plugin's own allocator. Where it can take room back it is kept from call to call, because
    /// asking costs as much as a short call; the plugin is asked again, for all of it, only when a request is longer.
    fn allocate<const N: usize>(
        &mut self,
        alloc: TypedFunc<u32, u32>,
        places: &mut [GuestSlice; N],
    ) -> Result<(), (EntryPoint, FaultKind)> {
        let Some(dealloc) = self.exports.dealloc else {
            for place in places {
                place.ptr = run(&mut self.store, alloc, place.len.max(1)).map_err(|kind| (EntryPoint::Alloc, kind))?;
            }
            return Ok(());
        };
        let fits = |kept: Option<&GuestSlice>, len: u32| kept.is_some_and(|room| room.len >= len);
        if !places.iter().enumerate().all(|(number, place)| fits(self.kept.get(number), place.len)) {
            for old in std::mem::take(&mut self.kept) {
                run(&mut self.store, dealloc, (old.ptr, old.len)).map_err(|kind| (EntryPoint::Dealloc, kind))?;
            }
            for place in &*places {
                let len = place.len.max(1).next_multiple_of(ROOM); // far from overflowing: a request has a limit
                let ptr = run(&mut self.store, alloc, len).map_err(|kind| (EntryPoint::Alloc, kind))?;
                self.kept.push(GuestSlice { ptr, len });
            }
        }
        for (place, room) in places.iter_mut().zip(&self.kept) {
            place.ptr = room.ptr;
        }
        Ok(())
    }

    fn input_region(&mut self, len: usize) -> Result<u32, (EntryPoint, FaultKind)> {
        if let Some(region) = self.region.filter(|region| region.len >= len) {
            return Ok(region.ptr);
        }
        let region =
            Region::grow(&mut self.store, self.exports.memory, len).map_err(|kind| (EntryPoint::Execute, kind))?;
        self.region = Some(region);
        if let Some(pages) = self.exports.memory.data_mut(&mut self.store).get_mut(region.ptr as usize..) {
            release_zero_pages(pages);
        }
        Ok(region.ptr)
    }
}
