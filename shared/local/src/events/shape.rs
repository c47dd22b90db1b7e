//! Generations of events.

/// Which generation of event shapes is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EventShape {
    /// With the ids of the key material, as since 2025.
    #[default]
    Current,
    /// As before: nothing but the key id in KMS's own events, no material ids in the records.
    Old,
}
