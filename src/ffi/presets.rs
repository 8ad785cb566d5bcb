//! Settings that begin with what another engine's users know.

use super::args;
use super::boundary::guard;
use super::codes::{
    ND_PRESET_BEST_HTTP, ND_PRESET_GODOT3, ND_PRESET_GODOT4, ND_PRESET_UNITY, nd_result,
};
use super::settings::settings_to_abi;
use super::structs::nd_settings;
use crate::error::{Error, Result};
use crate::settings::{NetworkSettings, Preset};

/// Fill settings with those that users of another engine are used to: limits, timers, compression,
/// the rule for sub-protocols. docs/PRESETS.md lists them; change what you want afterwards.
///
/// @param out_settings  out: every field set
/// @param preset  ND_PRESET_…
/// @return ND_OK; ND_ERROR_NULL_ARGUMENT; ND_ERROR_INVALID_ARGUMENT for an unknown preset
/// @thread any
/// @since 0.2
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nd_settings_init_preset(
    out_settings: *mut nd_settings,
    preset: u32,
) -> nd_result {
    // SAFETY: the pointer is the caller's, as documented.
    guard(|| unsafe {
        let out = args::output(out_settings, "out_settings")?;
        *out = settings_to_abi(&NetworkSettings::preset(preset_from_abi(preset)?));
        Ok(())
    })
}

fn preset_from_abi(number: u32) -> Result<Preset> {
    match number {
        ND_PRESET_UNITY => Ok(Preset::Unity),
        ND_PRESET_GODOT4 => Ok(Preset::Godot4),
        ND_PRESET_GODOT3 => Ok(Preset::Godot3),
        ND_PRESET_BEST_HTTP => Ok(Preset::BestHttp),
        _ => Err(Error::argument("preset must be one of ND_PRESET_…")),
    }
}
