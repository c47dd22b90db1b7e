//! KMS's answers in the words of the ports.

use aws_sdk_kms::types::{
    CustomKeyStoresListEntry, ImportState, KeyMetadata, MultiRegionConfiguration, MultiRegionKey,
    RotationsListEntry,
};
use aws_smithy_types::DateTime;
use jiff::Timestamp;
use watch_core::answers::{KeyStoreData, Material, Metadata};
use watch_core::key::{Manager, MaterialState, MultiRegion, MultiRegionType, Origin, State};
use watch_core::text::Untrusted;

pub(super) fn metadata(key: &KeyMetadata) -> Metadata {
    Metadata {
        state: key.key_state().map(|state| State::new(state.as_str())),
        manager: key
            .key_manager()
            .map(|manager| Manager::new(manager.as_str())),
        origin: key.origin().map(|origin| Origin::new(origin.as_str())),
        spec: text(key.key_spec().map(|spec| spec.as_str())),
        usage: text(key.key_usage().map(|usage| usage.as_str())),
        description: key
            .description()
            .and_then(|text| Untrusted::bounded(text, 1024).non_empty()),
        created_at: moment(key.creation_date()),
        deletion_at: moment(key.deletion_date()),
        pending_window_days: count(key.pending_deletion_window_in_days()),
        expires_at: moment(key.valid_to()),
        custom_key_store_id: text(key.custom_key_store_id()),
        multi_region: key.multi_region_configuration().map(multi_region),
        current_material: material_id(key.current_key_material_id()),
    }
}

pub(super) fn key_store(store: &CustomKeyStoresListEntry) -> KeyStoreData {
    KeyStoreData {
        name: text(store.custom_key_store_name()),
        kind: text(store.custom_key_store_type().map(|kind| kind.as_str())),
        connection_state: text(store.connection_state().map(|state| state.as_str())),
        error_code: text(store.connection_error_code().map(|code| code.as_str())),
    }
}

pub(super) fn material(entry: &RotationsListEntry) -> Material {
    Material {
        id: material_id(entry.key_material_id()),
        state: entry
            .key_material_state()
            .map(|state| MaterialState::new(state.as_str())),
        imported: entry
            .import_state()
            .map(|state| *state == ImportState::Imported),
        valid_to: moment(entry.valid_to()),
        rotated_at: moment(entry.rotation_date()),
    }
}

/// 64 hexadecimal digits (AWS KMS API Reference, RotationsListEntry).
fn material_id(id: Option<&str>) -> Option<String> {
    let id = id?;
    ((1..=128).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric()))
        .then(|| id.to_owned())
}

fn multi_region(configuration: &MultiRegionConfiguration) -> MultiRegion {
    let arn = |key: &MultiRegionKey| key.arn().and_then(|arn| arn.parse().ok());
    MultiRegion {
        kind: MultiRegionType::new(
            configuration
                .multi_region_key_type()
                .map_or("UNKNOWN", |kind| kind.as_str()),
        ),
        primary: configuration.primary_key().and_then(arn),
        replicas: configuration
            .replica_keys()
            .iter()
            .filter_map(arn)
            .collect(),
    }
}

pub(super) fn text(value: Option<&str>) -> Option<Untrusted> {
    value.and_then(|value| Untrusted::new(value).non_empty())
}

/// KMS sends milliseconds, which say nothing to a reader and would make one moment look like two.
pub(super) fn moment(time: Option<&DateTime>) -> Option<Timestamp> {
    time.and_then(|time| Timestamp::from_second(time.secs()).ok())
}

pub(super) fn count(number: Option<i32>) -> Option<u32> {
    number.and_then(|number| u32::try_from(number).ok())
}
