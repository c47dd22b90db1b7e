//! Putting together what was found: each resource and principal once, with the last that was seen of it.

use jiff::Timestamp;

use super::{Dependants, Evidence, MOST, OfType, Principal, REMEMBERED, Resource};
use crate::text::Untrusted;

/// Operations that are named of a principal.
const OPERATIONS: usize = 8;
/// Most that is kept in memory, of each: a key may have 50,000 grants.
const KEPT: usize = 1_000;

/// What was found so far.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    resources: Vec<Resource>,
    principals: Vec<Principal>,
    sources: Vec<Evidence>,
    /// Some source has more than was read.
    more: bool,
    /// Those sources.
    cut: Vec<Evidence>,
    /// So many resources of each type were found elsewhere, also those that are not kept here.
    types: Vec<OfType>,
    /// So many principals.
    at_least: u64,
}

impl Findings {
    /// It was looked there.
    pub fn source(&mut self, source: Evidence) {
        if !self.sources.contains(&source) {
            self.sources.push(source);
            self.sources.sort();
        }
    }

    /// There is more that was not read.
    pub fn more(&mut self) {
        self.more = true;
    }

    /// This source has more that was not read.
    pub(super) fn cut(&mut self, source: Evidence) {
        self.more = true;
        if !self.cut.contains(&source) {
            self.cut.push(source);
        }
    }

    /// Whether it was looked anywhere.
    pub(super) fn has_any(&self) -> bool {
        !self.sources.is_empty()
    }

    /// Whether it was looked there.
    pub fn has(&self, source: Evidence) -> bool {
        self.sources.contains(&source)
    }

    /// Takes in a resource.
    pub fn resource(&mut self, found: Resource) {
        let mut known = self.resources.iter_mut();
        let Some(known) = known.find(|known| known.is_same(&found)) else {
            keep(&mut self.resources, found, &mut self.more);
            return;
        };
        known.arn = known.arn.take().or(found.arn);
        if found.last_seen > known.last_seen {
            (known.last_seen, known.via) = (found.last_seen, found.via);
            known.used_by = found.used_by.or(known.used_by.take());
        }
    }

    /// Takes in a principal. Each record of a use is counted by itself.
    pub fn principal(&mut self, found: Principal) {
        let mut known = self.principals.iter_mut();
        let Some(known) = known.find(|known| known.is_same(&found)) else {
            keep(&mut self.principals, found, &mut self.more);
            return;
        };
        known.count += found.count;
        if found.last_seen > known.last_seen {
            (known.last_seen, known.via) = (found.last_seen, found.via);
            known.service = found.service.or(known.service.take());
        }
        name_operations(&mut known.operations, found.operations);
    }

    /// Takes in what was found elsewhere at the same time.
    pub fn absorb(&mut self, other: Self) {
        for resource in other.resources {
            self.resource(resource);
        }
        for principal in other.principals {
            self.principal(principal);
        }
        for source in other.sources {
            self.source(source);
        }
        self.more |= other.more;
        for source in other.cut {
            self.cut(source);
        }
    }

    /// Takes in what was known before, as far as it is not old, and not found anew by the same source.
    pub fn recall(&mut self, known: &Dependants, now: Timestamp) {
        let counts = |via: Evidence, last_seen: Option<Timestamp>| match last_seen {
            Some(at) => now.duration_since(at) <= REMEMBERED,
            // A grant, or a resource in AWS Config, is there or not.
            None => !self.has(via) || self.cut.contains(&via),
        };
        let is_forgotten = |via, last_seen| !counts(via, last_seen);
        let (mut types, mut forgotten) = (known.types.clone(), 0);
        let mut kept = Self::default();
        for resource in &known.resources {
            if is_forgotten(resource.via, resource.last_seen) {
                let mut of_type = types.iter_mut();
                if let Some(of_type) = of_type.find(|it| it.kind == resource.kind) {
                    of_type.count = of_type.count.saturating_sub(1);
                }
            } else {
                kept.resources.push(resource.clone());
            }
        }
        for principal in &known.principals {
            if is_forgotten(principal.via, principal.last_seen) {
                forgotten += 1;
            } else {
                kept.principals.push(principal.clone());
            }
        }
        for resource in kept.resources {
            self.resource(resource);
        }
        for mut principal in kept.principals {
            let mut found = self.principals.iter();
            let again = found.find(|found| found.is_same(&principal));
            // The same records may have been read again: they count once.
            principal.count = match again {
                Some(again) => principal.count.saturating_sub(again.count),
                None => principal.count,
            };
            self.principal(principal);
        }
        for source in &known.sources {
            if !self.has(*source) {
                self.more |= !known.complete;
                self.source(*source);
            }
        }
        self.types = types;
        self.at_least = known.principal_count.saturating_sub(forgotten);
    }

    /// What was found, bounded.
    pub fn into_dependants(self, now: Timestamp) -> Dependants {
        let Self {
            mut resources,
            mut principals,
            sources,
            more,
            cut: _,
            types: mut at_least_of,
            at_least,
        } = self;
        resources.sort_by(|a, b| {
            let newest = b.last_seen.cmp(&a.last_seen);
            newest.then_with(|| (a.kind.name(), &a.id).cmp(&(b.kind.name(), &b.id)))
        });
        principals.sort_by(|a, b| {
            let newest = b.last_seen.cmp(&a.last_seen);
            newest.then_with(|| a.name.cmp(&b.name))
        });
        let mut types: Vec<OfType> = Vec::new();
        for resource in &resources {
            match types.iter_mut().find(|it| it.kind == resource.kind) {
                Some(of_type) => of_type.count += 1,
                None => types.push(OfType {
                    kind: resource.kind,
                    count: 1,
                }),
            }
        }
        let mut is_whole = true;
        for of_type in &mut types {
            let mut known = at_least_of.iter_mut();
            if let Some(known) = known.find(|it| it.kind == of_type.kind) {
                is_whole &= known.count <= of_type.count;
                of_type.count = of_type.count.max(std::mem::take(&mut known.count));
            }
        }
        at_least_of.retain(|it| it.count > 0);
        is_whole &= at_least_of.is_empty();
        types.extend(at_least_of);
        let resource_count = types.iter().map(|it| it.count).sum();
        let principal_count = number(&principals).max(at_least);
        is_whole &= principal_count == number(&principals);
        Dependants {
            complete: !more && !sources.is_empty() && is_whole,
            sources,
            types,
            resource_count,
            principal_count,
            count: resource_count + principal_count,
            resources,
            principals,
            as_of: Some(now),
        }
        .at_most(MOST)
    }
}

fn number<T>(items: &[T]) -> u64 {
    u64::try_from(items.len()).unwrap_or(u64::MAX)
}

fn keep<T>(kept: &mut Vec<T>, found: T, more: &mut bool) {
    if kept.len() < KEPT {
        kept.push(found);
    } else {
        *more = true;
    }
}

fn name_operations(known: &mut Vec<Untrusted>, found: Vec<Untrusted>) {
    for operation in found {
        if known.len() < OPERATIONS && !known.contains(&operation) {
            known.push(operation);
        }
    }
    known.sort();
}
