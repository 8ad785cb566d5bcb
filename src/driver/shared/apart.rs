//! What threads change beside each other must not lie beside each other.

/// Something alone in its cache lines: processors fetch them in pairs.
#[derive(Default)]
#[repr(align(128))]
pub struct Apart<T>(pub T);

/// Bytes that no two threads change parts of without taking them from each other.
pub const APART_BYTES: usize = align_of::<Apart<u8>>();

/// Makes room for so many more, and so much behind them that stays unused that what is used of two
/// such memories never lies within [`APART_BYTES`] of each other.
#[inline]
pub fn reserve_apart<T>(memory: &mut Vec<T>, more: usize) {
    memory.reserve(more + unused_apart::<T>());
}

/// How many stay unused behind those that are used.
pub const fn unused_apart<T>() -> usize {
    APART_BYTES.div_ceil(size_of::<T>())
}
