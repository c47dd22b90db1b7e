//! KMS: the store of keys, and the way of a call through it.
//!
//! Every call goes the same way: look up the operation in the table, find the key, ask the table whether the
//! operation is possible in the key's state, run the operation, tell CloudTrail.

mod aging;
mod alias;
mod aliases;
mod body;
mod call;
mod creation;
mod crypto;
mod data_keys;
mod deletion;
mod der;
mod dispatch;
mod error;
mod fixture;
mod grant;
mod grants;
mod import;
mod key;
mod key_store;
mod keys;
mod material;
mod materials;
mod names;
mod new_key;
mod operations;
mod paging;
mod permissions;
mod policy;
mod policy_document;
mod primary;
mod public_keys;
mod re_encrypt;
mod reads;
mod replicas;
mod rotation;
mod select;
mod selector;
mod signing;
mod states;
mod store;
mod store_calls;
mod stores;
mod switches;
mod tags;
mod uses;

pub(crate) use aging::{Aging, Due};
pub(crate) use call::KmsRequest;
pub(crate) use dispatch::Arrived;
pub use error::KmsError;
pub(crate) use key::Key;
pub use key_store::KeyStore;
pub use names::{KeySpec, KeyState, KeyUsage, Origin};
pub use new_key::{ImportedMaterial, NewKey};
pub use selector::parse_arn;
pub(crate) use selector::{KeyRef, key_ref};
pub(crate) use store::Kms;
