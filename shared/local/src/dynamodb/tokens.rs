//! Transactions that are not carried out twice.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::error::Error;

/// How long a `ClientRequestToken` is remembered (API Reference, `TransactWriteItems`).
const TOKEN_LASTS: SignedDuration = SignedDuration::from_mins(10);

/// Transactions that were carried out, by their token.
#[derive(Debug, Clone, Default)]
pub(super) struct Tokens(std::collections::BTreeMap<String, (Timestamp, Value)>);

impl Tokens {
    /// Whether this transaction has been carried out already.
    pub(super) fn is_repeated(
        &mut self,
        token: &str,
        body: &Value,
        now: Timestamp,
    ) -> Result<bool, Error> {
        self.0
            .retain(|_, (at, _)| now.duration_since(*at) < TOKEN_LASTS);
        match self.0.get(token) {
            None => Ok(false),
            Some((_, before)) if before == body => Ok(true),
            Some(_) => Err(Error::new(
                "IdempotentParameterMismatchException",
                "The request uses the same client token as a previous, but non-identical request.",
            )),
        }
    }

    pub(super) fn remember(&mut self, token: &str, body: &Value, now: Timestamp) {
        self.0.insert(token.to_owned(), (now, body.clone()));
    }
}
