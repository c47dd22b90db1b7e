//! What a service answered on the wire: what the SDK's types leave out, or fill in, is there to be compared.

use std::sync::{Arc, Mutex};

use aws_sdk_kms::config::interceptors::AfterDeserializationInterceptorContextRef;
use aws_sdk_kms::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_kms::error::BoxError;
use serde_json::{Value, json};

/// The last answer that a client got.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tape(Arc<Mutex<Value>>);

impl Tape {
    /// Takes it, so that no step is compared by the answer of another.
    pub(crate) fn take(&self) -> Value {
        self.0.lock().unwrap().take()
    }
}

impl Intercept for Tape {
    fn name(&self) -> &'static str {
        "Tape"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let response = context.response();
        let body = response.body().bytes().unwrap_or_default();
        let status = response.status().as_u16();
        let body = if body.is_empty() {
            json!({})
        } else {
            serde_json::from_slice(body).unwrap_or_else(|_| leaves(&String::from_utf8_lossy(body)))
        };
        *self.0.lock().unwrap() = json!({"status": status, "body": body});
        Ok(())
    }
}

/// The elements of an XML document that hold text and no elements. SNS answers with no lists here.
fn leaves(xml: &str) -> Value {
    let mut leaves = serde_json::Map::new();
    let mut rest = xml;
    while let Some((_, after)) = rest.split_once('<') {
        rest = after;
        let Some((tag, text)) = after.split_once('>') else {
            break;
        };
        let Some((text, closing)) = text.split_once('<') else {
            break;
        };
        // A request id is new with every request.
        if closing.starts_with(&format!("/{tag}>")) && tag != "RequestId" {
            leaves.insert(tag.to_owned(), text.into());
        }
    }
    leaves.into()
}
