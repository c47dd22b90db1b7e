//! Opening connections before the first event: a TLS handshake during an event costs it 50 ms and more.

use std::time::Duration;

use futures_util::future::{join_all, join3};
use watch_core::config::Config;

use crate::{DynamoDbAdapter, KmsAdapter, SnsAdapter};

/// An event is explained by up to six reads of KMS at once, and HTTP/1.1 carries one at a time.
const KMS_CONNECTIONS: usize = 6;

/// Lambda waits for the start of a function at most 10 seconds, a person on call not at all.
const LIMIT: Duration = Duration::from_millis(500);

/// An event asks the ledger for three things at once.
const LEDGER_CONNECTIONS: usize = 3;

/// Opens the connections that one event needs, in parallel: six to KMS if it is asked, three to DynamoDB if there is a ledger, and one
/// to SNS for each topic.
///
/// The credentials and the trust store are loaded on the way. What fails here fails again, and is told, in an event:
/// errors are only written to the log, at level debug.
pub async fn up(
    kms: impl Into<Option<&KmsAdapter>>,
    topics: &SnsAdapter,
    ledger: Option<&DynamoDbAdapter>,
    config: &Config,
) {
    let arns = [
        Some(&config.alert_topic),
        config.chat_topic.as_ref(),
        config.feed_topic.as_ref(),
    ];
    let kms = kms.into().into_iter().cycle().take(KMS_CONNECTIONS);
    let kms = join_all(kms.map(KmsAdapter::touch));
    let sns = join_all(arns.into_iter().flatten().map(|topic| topics.touch(topic)));
    let tables = ledger.into_iter().cycle();
    let connections = LEDGER_CONNECTIONS * usize::from(ledger.is_some());
    let ledger = join_all(tables.take(connections).map(DynamoDbAdapter::touch));
    match tokio::time::timeout(LIMIT, join3(kms, sns, ledger)).await {
        Ok((kms, sns, ledger)) => {
            let answers = kms.into_iter().chain(sns).chain(ledger);
            for error in answers.filter_map(Result::err) {
                tracing::debug!(%error, "no connection in advance");
            }
        }
        Err(_) => tracing::debug!(
            limit_ms = LIMIT.as_millis(),
            "not all connections in advance were ready in time"
        ),
    }
}
