//! Presets: the table in the documents is the code, and each preset does what its engine does.

use std::collections::BTreeMap;

use netdriver::settings::{NetworkSettings, Preset};
use netdriver::{EventKind, Status};

use crate::support::{Pair, status};

const TABLE: &str = include_str!("../../docs/PRESETS.md");
/// In the order of the table's columns.
const PRESETS: [Preset; 4] = [Preset::Unity, Preset::Godot4, Preset::Godot3, Preset::BestHttp];

/// The fields of settings and their values, as the table writes them.
fn fields(settings: &NetworkSettings) -> BTreeMap<String, String> {
    let shown = format!("{settings:?}");
    let inside = shown.split_once('{').expect("is a struct").1.trim_end_matches([' ', '}']);
    let field = |text: &str| {
        let (name, value) = text.trim().split_once(": ").expect("has a name");
        let value = match value {
            "true" => "1".to_owned(),
            "false" => "0".to_owned(),
            other => other.to_lowercase(),
        };
        (name.to_owned(), value)
    };
    inside.split(", ").map(field).collect()
}

#[test]
fn the_table_in_the_documents_is_the_code() {
    let defaults = fields(&NetworkSettings::default());
    let presets = PRESETS.map(|preset| fields(&NetworkSettings::preset(preset)));
    let mut listed = Vec::new();
    for line in TABLE.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [name, default, values @ ..] = &cells[..] else { panic!("{line}") };
        let name = name.trim_matches('`');
        let Some(wanted) = defaults.get(name) else {
            panic!("{name} is no setting");
        };
        assert_eq!(default, wanted, "the default of {name}");
        assert_eq!(values.len(), presets.len(), "{line}");
        for (value, preset) in values.iter().zip(&presets) {
            let value = if *value == "–" { wanted } else { *value };
            assert_eq!(value, preset[name], "{name} in {line}");
        }
        listed.push(name);
    }
    assert!(listed.len() > 5, "the table is gone");
    for (name, default) in &defaults {
        let differs = presets.iter().any(|preset| preset[name] != *default);
        assert_eq!(differs, listed.contains(&name.as_str()), "{name} and its row");
    }
}

#[test]
fn every_preset_is_valid_and_carries_its_longest_message_both_ways() {
    for preset in PRESETS {
        let settings = NetworkSettings::preset(preset);
        settings.validate().expect("is valid");
        // A message of 256 MiB would prove no more than one of 4.
        let longest = settings.websocket_message_size_max.min(4 << 20) as usize;
        let mut pair = Pair::plain(&settings, &settings);
        let bytes: Vec<u8> = (0..longest).map(|at| (at * 31 / 7) as u8).collect();
        pair.client.send(pair.to_server, 0, &bytes).expect("is sent");
        assert!(pair.server_event(EventKind::Data).data == bytes, "{preset:?}");
        pair.server.send(pair.to_client, 0, &bytes).expect("is sent");
        assert!(pair.client_event(EventKind::Data).data == bytes, "{preset:?}");
        let compressed = pair.server.extensions(pair.to_client).expect("is open");
        assert_eq!(compressed.is_empty(), preset != Preset::BestHttp, "{compressed}");
    }
}

#[test]
fn one_byte_more_is_refused_as_in_the_engine() {
    for (preset, longest) in
        [(Preset::Unity, 1386), (Preset::Godot4, 65_535), (Preset::Godot3, 65_536)]
    {
        let settings = NetworkSettings::preset(preset);
        let mut pair = Pair::plain(&settings, &NetworkSettings::default());
        let refused = pair.server.send(pair.to_client, 0, &vec![0; longest + 1]);
        assert_eq!(status(refused), Status::NetworkPacketOverflow, "{preset:?}");
        pair.client.send(pair.to_server, 0, &vec![0; longest + 1]).expect("is sent");
        let end = pair.server_event(EventKind::Disconnect);
        assert_eq!(end.close_code, 1009, "{preset:?}");
    }
}
