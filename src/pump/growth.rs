//! How tables of connections grow: by a thirty-second part, not to twice the size, so that ten
//! thousand idle connections do not pay for the places of ten thousand others.

/// Places that a table begins with.
const FIRST: usize = 16;

/// How many places more a full table of `length` gets.
pub const fn growth(length: usize) -> usize {
    if length < FIRST * 32 { FIRST } else { length / 32 }
}

/// Appends to a table.
#[inline]
pub fn append<T>(table: &mut Vec<T>, value: T) {
    if table.len() == table.capacity() {
        table.reserve_exact(growth(table.len()));
    }
    table.push(value);
}
