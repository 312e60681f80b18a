//! Blocks, branches and calls, and what a function names or does too often.

use wasmparser::{BlockType, BrTable};

use super::{Block, Edit, Insert, Local, Measure, OPERATOR, Operand, VALUE, Walk};

impl Walk<'_, '_> {
    pub(super) fn open(&mut self, ty: BlockType, is_loop: bool) {
        let (params, results) = self.block_arity(ty);
        if params > 0 {
            self.code(OPERATOR * u64::from(params));
            self.edits.push(Edit { at: self.at, insert: Insert::Settle });
        }
        let available = self.operands.len().saturating_sub(self.blocks.last().map_or(0, |block| block.height));
        // Below the bottom of code that is never reached the parameters are made up.
        for _ in available..params as usize {
            self.push(Operand::Other);
        }
        let height = self.operands.len() - params as usize; // pushed just above, if they were not there
        let label = if is_loop { params } else { results };
        let entry = self.most(height);
        self.blocks.push(Block { height, label, results, params, entry, then: Operand::Other });
        self.fail(Measure::Nesting, self.blocks.len() as u64, true);
    }

    pub(super) fn open_if(&mut self, ty: BlockType) {
        self.pop();
        self.open(ty, false);
        if let Some(block) = self.blocks.last_mut() {
            block.then = block.entry;
        }
    }

    /// The most there is to be careful about among the operands from `height` on.
    pub(super) fn most(&self, height: usize) -> Operand {
        self.operands.get(height..).unwrap_or_default().iter().copied().max().unwrap_or(Operand::Other)
    }

    pub(super) fn otherwise(&mut self) {
        self.dead = false;
        let Some(block) = self.blocks.last().copied() else { return };
        let then = self.most(block.height);
        if let Some(block) = self.blocks.last_mut() {
            block.then = then;
        }
        self.operands.truncate(block.height);
        for _ in 0..block.params {
            self.push(block.entry);
            self.is_local(Local::Any);
        }
    }

    pub(super) fn end(&mut self) {
        self.dead = false;
        let Some(block) = self.blocks.pop() else { return };
        // Values leave the block as what they are: the engine may not even notice the end, or know which arm is taken.
        let found = self.operands.len().saturating_sub(block.height);
        for _ in found..block.results as usize {
            self.push(Operand::Other);
        }
        self.operands.truncate(block.height + block.results as usize); // bounded
        self.operands.iter_mut().skip(block.height).for_each(|operand| *operand = (*operand).max(block.then));
    }

    /// What follows is never reached, until the block ends.
    pub(super) fn unreachable(&mut self) {
        self.dead = true;
        let floor = self.blocks.last().map_or(0, |block| block.height);
        self.operands.truncate(floor);
    }

    /// Counts the values a branch carries, and says how many there are.
    pub(super) fn branch(&mut self, depth: u32) -> u32 {
        let target = self.blocks.len().checked_sub(1 + depth as usize);
        self.beyond |= target.is_none();
        let label = target.and_then(|target| self.blocks.get(target)).map_or(0, |block| block.label);
        self.values += u64::from(label);
        self.code(VALUE * u64::from(label));
        self.fail(Measure::BranchValues, self.values, false);
        label
    }

    pub(super) fn branch_table(&mut self, table: &BrTable<'_>) {
        self.targets += u64::from(table.len());
        self.fail(Measure::BranchTable, table.len().into(), true);
        self.fail(Measure::BranchTargets, self.targets, false);
        if self.error.is_some() {
            return;
        }
        let label = self.branch(table.default());
        self.beyond |= table.targets().flatten().any(|target| target as usize >= self.blocks.len());
        // The labels of one table carry alike.
        self.values += u64::from(label) * u64::from(table.len());
        self.code((OPERATOR + VALUE * u64::from(label)) * u64::from(table.len()));
        self.fail(Measure::BranchValues, self.values, false);
    }

    pub(super) fn leave(&mut self) {
        // Where it is never reached it may stay: the block has the results of the function.
        if self.accounted && !self.dead {
            // The body stands in a block of its own then; its label is where that of the function was.
            let out = u32::try_from(self.blocks.len().saturating_sub(1)).unwrap_or(u32::MAX);
            self.edits.push(Edit { at: self.at, insert: Insert::Leave(out) });
        }
        self.unreachable();
    }

    pub(super) fn call(&mut self, ty: Option<u32>) {
        let (params, results) = self.arity(ty);
        self.plain(params, results);
    }

    pub(super) fn call_function(&mut self, function: u32) {
        self.highest.function = self.highest.function.max(function.saturating_add(1));
        self.call(self.shape.functions.get(function as usize).copied());
    }

    pub(super) fn call_type(&mut self, ty: u32) {
        self.highest.ty = self.highest.ty.max(ty.saturating_add(1));
        self.pop();
        self.call(Some(ty));
    }

    pub(super) fn go_on_as_another(&mut self) {
        if self.accounted {
            self.edits.push(Edit { at: self.at, insert: Insert::Forget });
        }
    }

    pub(super) fn grow(&mut self) {
        self.growths += 1;
        self.fail(Measure::Growths, self.growths, true);
    }

    pub(super) fn memory(&mut self, memory: u32) {
        self.highest.memory = self.highest.memory.max(memory.saturating_add(1));
    }

    pub(super) fn global(&mut self, global: u32) {
        self.highest.global = self.highest.global.max(global.saturating_add(1));
    }
}
