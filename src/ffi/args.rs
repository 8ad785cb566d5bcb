//! The one place where raw pointers become references.
//!
//! Each function checks for NULL (and alignment) and names the argument in its error. The
//! lifetimes are those of the call: no reference made here outlives the export that made it.

use core::ffi::{CStr, c_char};
use core::hint::cold_path;

use super::structs::nd_endpoint;
use crate::error::{Error, Result, Status};
use crate::proto::endpoint::NetworkEndpoint;

#[cold]
#[inline(never)]
fn null(name: &'static str) -> Error {
    Error::new(Status::NullArgument, format!("{name} is NULL; pass a valid pointer"))
}

#[cold]
#[inline(never)]
fn misaligned(name: &'static str) -> Error {
    Error::argument(format!("{name} is not aligned; pass a pointer to its type"))
}

/// A switch: 0 or 1.
pub fn flag(value: u32, name: &'static str) -> Result<bool> {
    match value {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(Error::argument(format!("{name} is {value}; it must be 0 or 1"))),
    }
}

#[inline]
fn check<T>(pointer: *const T, name: &'static str) -> Result<()> {
    // Two questions, because both answers together take more.
    if pointer.is_null() {
        cold_path();
        return Err(null(name));
    }
    if !pointer.is_aligned() {
        cold_path();
        return Err(misaligned(name));
    }
    Ok(())
}

/// A struct to read.
pub unsafe fn input<'a, T>(pointer: *const T, name: &'static str) -> Result<&'a T> {
    check(pointer, name)?;
    // SAFETY: not NULL and aligned; that it points to a T is the caller's part of the contract.
    Ok(unsafe { &*pointer })
}

/// A place to write a result to; written only on success.
pub unsafe fn output<'a, T>(pointer: *mut T, name: &'static str) -> Result<&'a mut T> {
    check(pointer, name)?;
    // SAFETY: as in `input`; the ABI says that outputs do not overlap other arguments.
    Ok(unsafe { &mut *pointer })
}

/// `length` elements to read; NULL is fine when the length is 0.
pub unsafe fn slice<'a, T>(pointer: *const T, length: u32, name: &'static str) -> Result<&'a [T]> {
    if length == 0 {
        return Ok(&[]);
    }
    check(pointer, name)?;
    // SAFETY: not NULL and aligned; that `length` elements lie there is the caller's part.
    Ok(unsafe { core::slice::from_raw_parts(pointer, length as usize) })
}

/// Room for `capacity` elements; NULL is fine when the capacity is 0.
pub unsafe fn slice_mut<'a, T>(
    pointer: *mut T,
    capacity: u32,
    name: &'static str,
) -> Result<&'a mut [T]> {
    if capacity == 0 {
        return Ok(&mut []);
    }
    check(pointer, name)?;
    // SAFETY: as in `slice`, and the ABI says that outputs do not overlap other arguments.
    Ok(unsafe { core::slice::from_raw_parts_mut(pointer, capacity as usize) })
}

/// A NUL-ended UTF-8 text.
pub unsafe fn text<'a>(pointer: *const c_char, name: &'static str) -> Result<&'a str> {
    check(pointer, name)?;
    // SAFETY: not NULL; that a NUL ends it is the caller's part of the contract.
    let text = unsafe { CStr::from_ptr(pointer) };
    text.to_str().map_err(|_| Error::argument(format!("{name} is not valid UTF-8")))
}

/// A NUL-ended UTF-8 text, or nothing for NULL.
pub unsafe fn optional_text<'a>(
    pointer: *const c_char,
    name: &'static str,
) -> Result<Option<&'a str>> {
    if pointer.is_null() {
        return Ok(None);
    }
    // SAFETY: not NULL; the rest is `text`'s contract, handed on to the caller.
    unsafe { text(pointer, name) }.map(Some)
}

/// An endpoint, checked.
pub unsafe fn endpoint(pointer: *const nd_endpoint, name: &'static str) -> Result<NetworkEndpoint> {
    // SAFETY: `input`'s contract, handed on to the caller.
    let raw = unsafe { input(pointer, name) }?;
    super::endpoints::from_abi(raw)
        .ok_or_else(|| Error::argument(format!("{name} has no valid family; use ND_FAMILY_…")))
}

/// A growable struct to read: only the bytes that the caller's version has are copied over the
/// defaults, and bytes that this version does not know must be 0.
///
/// # Safety
/// `T` must be a struct of the ABI (plain data, valid for any bytes, `u32 struct_size` first),
/// and `pointer` must be valid for as many bytes as its `struct_size` says.
pub unsafe fn growable<T: Copy>(
    pointer: *const T,
    defaults: T,
    size_min: usize,
    name: &'static str,
) -> Result<T> {
    check(pointer, name)?;
    // SAFETY: every growable struct starts with a u32 and the pointer is aligned and not NULL.
    let size = unsafe { pointer.cast::<u32>().read() } as usize;
    let known = size_of::<T>();
    if size < size_min || size > STRUCT_SIZE_MAX {
        return Err(struct_size(name, size));
    }
    let bytes = pointer.cast::<u8>();
    for offset in known..size.max(known) {
        // SAFETY: offset is below the size that the caller vouched for.
        if unsafe { bytes.add(offset).read() } != 0 {
            return Err(struct_size(name, size));
        }
    }
    let mut value = defaults;
    // SAFETY: both sides hold at least min(size, known) bytes and do not overlap; T is plain data.
    unsafe {
        core::ptr::copy_nonoverlapping(bytes, (&raw mut value).cast::<u8>(), size.min(known));
    }
    Ok(value)
}

/// A growable struct to fill: as much as the caller's version has is written.
///
/// # Safety
/// As for [`growable`], for writing.
pub unsafe fn fill_growable<T: Copy>(
    pointer: *mut T,
    mut value: T,
    size_min: usize,
    name: &'static str,
) -> Result<()> {
    check(pointer, name)?;
    // SAFETY: every growable struct starts with a u32 and the pointer is aligned and not NULL.
    let size = unsafe { pointer.cast::<u32>().read() };
    if (size as usize) < size_min || size as usize > STRUCT_SIZE_MAX {
        return Err(struct_size(name, size as usize));
    }
    let count = size_of::<T>().min(size as usize);
    let source = (&raw mut value).cast::<u8>();
    // SAFETY: the caller vouched for `size` bytes; the source has size_of::<T>(); T starts with
    // its u32 struct_size, which keeps the caller's value.
    unsafe {
        source.cast::<u32>().write(size);
        core::ptr::copy_nonoverlapping(source, pointer.cast::<u8>(), count);
    }
    Ok(())
}

/// The largest struct_size taken seriously: garbage is told from a later version by it.
const STRUCT_SIZE_MAX: usize = 4096;

fn struct_size(name: &'static str, size: usize) -> Error {
    Error::new(
        Status::StructSize,
        format!("{name}.struct_size is {size}; call the struct's _init function before filling it"),
    )
}

/// Copies a text into the caller's buffer, with a NUL; says how long it is either way.
pub unsafe fn copy_text(
    text: &str,
    buffer: *mut c_char,
    capacity: u32,
    out_length: *mut u32,
) -> Result<()> {
    if !out_length.is_null() {
        // SAFETY: not NULL; alignment is checked by `output`.
        *unsafe { output(out_length, "out_length") }? = text.len() as u32;
    }
    if capacity == 0 && buffer.is_null() && !out_length.is_null() {
        return Ok(());
    }
    // SAFETY: handed on: `capacity` bytes lie at `buffer`.
    let room = unsafe { slice_mut(buffer.cast::<u8>(), capacity, "buffer") }?;
    if room.len() <= text.len() {
        let text = format!("buffer holds {} bytes, {} are needed", room.len(), text.len() + 1);
        return Err(Error::new(Status::BufferTooSmall, text));
    }
    room[..text.len()].copy_from_slice(text.as_bytes());
    room[text.len()] = 0;
    Ok(())
}
