//! Messages that may be lost, on their way to the next flush. Mostly all of them leave with it.

/// One of them.
#[derive(Clone, Copy, Debug)]
pub struct Queued {
    pub pipeline: u8,
    pub length: u16,
    /// Where its bytes are.
    pub position: u64,
    /// Its place among all messages of the session.
    pub order: u64,
}

/// Those that have left are let go of once they are as many as those that wait.
#[derive(Default, Debug)]
pub struct Messages {
    list: Vec<Queued>,
    /// The oldest that waits.
    first: usize,
}

impl Messages {
    #[inline(always)]
    pub fn push(&mut self, queued: Queued) {
        self.list.push(queued);
    }

    /// The oldest.
    #[inline(always)]
    pub fn front(&self) -> Option<&Queued> {
        self.list.get(self.first)
    }

    /// The oldest has left.
    #[inline(always)]
    pub fn pop(&mut self) {
        self.first += 1;
        if self.first * 2 >= self.list.len() {
            self.forget();
        }
    }

    fn forget(&mut self) {
        let gone = self.first.min(self.list.len());
        self.list.drain(..gone);
        self.first = 0;
    }

    /// All have left.
    #[inline(always)]
    pub fn clear(&mut self) {
        self.list.clear();
        self.first = 0;
    }

    #[inline(always)]
    pub const fn len(&self) -> usize {
        self.list.len() - self.first
    }

    #[inline(always)]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_leave_in_the_order_they_came_in() {
        let mut messages = Messages::default();
        let (mut came, mut left) = (0, 0);
        for turn in 0..200_u64 {
            for _ in 0..turn % 7 {
                messages.push(Queued { pipeline: 0, length: 1, position: came, order: came });
                came += 1;
            }
            for _ in 0..turn % 5 {
                if messages.is_empty() {
                    break;
                }
                assert_eq!(messages.front().map(|queued| queued.order), Some(left));
                messages.pop();
                left += 1;
            }
            assert_eq!(messages.len() as u64, came - left);
            if turn % 50 == 49 {
                messages.clear();
                left = came;
                assert!(messages.is_empty() && messages.front().is_none());
            }
        }
    }
}
