//! Looking up names: once for all connections that are opened at the same time.

use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_smithy_runtime_api::client::dns::{DnsFuture, ResolveDns, ResolveDnsError};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared, WeakShared};
use tokio::time::Instant;

/// Whoever asks later than this after a lookup began makes one of their own: the packet may be lost, and the system's
/// resolver notices that after five seconds.
const SHARED_FOR: Duration = Duration::from_millis(200);

type Answer = Result<Vec<IpAddr>, Arc<io::Error>>;
type Lookup = Shared<BoxFuture<'static, Answer>>;

/// The system's resolver, asked once by those who want to know the same at the same time.
///
/// It blocks, so that each question has a thread of its own, and Lambda has no cache of names: twelve connections would
/// cost twelve threads and questions. Nothing is remembered: who asks later gets a new answer, since an address of AWS is
/// good for a minute.
#[derive(Clone, Debug)]
pub(crate) struct SharedLookups {
    look_up: fn(String) -> BoxFuture<'static, Answer>,
    under_way: Arc<Mutex<BTreeMap<String, UnderWay>>>,
}

#[derive(Clone, Debug)]
struct UnderWay {
    since: Instant,
    lookup: WeakShared<BoxFuture<'static, Answer>>,
}

impl Default for SharedLookups {
    fn default() -> Self {
        Self::by(|name| system(name).boxed())
    }
}

impl SharedLookups {
    fn by(look_up: fn(String) -> BoxFuture<'static, Answer>) -> Self {
        Self {
            look_up,
            under_way: Arc::default(),
        }
    }

    /// The lookup that is under way, or a new one.
    fn lookup(&self, name: &str) -> Lookup {
        let mut under_way = self
            .under_way
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let recent = under_way.get(name);
        let recent = recent.filter(|recent| recent.since.elapsed() < SHARED_FOR);
        // Those that nobody waits for any more are gone.
        if let Some(lookup) = recent.and_then(|recent| recent.lookup.upgrade()) {
            return lookup;
        }
        let (since, lookup) = (Instant::now(), (self.look_up)(name.to_owned()).shared());
        if let Some(lookup) = lookup.downgrade() {
            under_way.insert(name.to_owned(), UnderWay { since, lookup });
        }
        lookup
    }
}

impl ResolveDns for SharedLookups {
    fn resolve_dns<'a>(&'a self, name: &'a str) -> DnsFuture<'a> {
        let lookup = self.lookup(name);
        DnsFuture::new(async move { lookup.await.map_err(ResolveDnsError::new) })
    }
}

async fn system(name: String) -> Answer {
    match tokio::net::lookup_host((name, 0)).await {
        Ok(addresses) => Ok(addresses.map(|address| address.ip()).collect()),
        Err(error) => Err(Arc::new(error)),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU8, Ordering};

    use futures_util::future::join_all;

    use super::*;

    #[tokio::test]
    async fn who_asks_at_the_same_time_shares_an_answer() {
        static ASKED: AtomicU8 = AtomicU8::new(0);
        // The answer tells how often the system was asked, and with an even number there is none.
        let lookups = SharedLookups::by(|_| {
            async {
                tokio::task::yield_now().await;
                match ASKED.fetch_add(1, Ordering::Relaxed) + 1 {
                    number if number % 2 == 1 => Ok(vec![IpAddr::from([10, 0, 0, number])]),
                    _ => Err(Arc::new(io::Error::other("no such name"))),
                }
            }
            .boxed()
        });
        let ask = async |names: &[&str]| {
            let answers = names.iter().map(|name| lookups.resolve_dns(name));
            let answers = join_all(answers).await.into_iter();
            answers
                .map(|answer| answer.ok().map(|all| all[0].to_string()))
                .collect::<Vec<_>>()
        };
        let first = Some("10.0.0.1".to_owned());
        assert_eq!(ask(&["kms"; 6]).await, vec![first; 6]);
        // Later, there is a new answer, for all of them again, and for each name its own.
        assert_eq!(ask(&["kms"; 2]).await, [None, None]);
        assert_eq!(
            ask(&["kms", "sns", "kms"]).await,
            [
                Some("10.0.0.3".to_owned()),
                None,
                Some("10.0.0.3".to_owned())
            ]
        );
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_a_lookup_that_is_lost() {
        static ASKED: AtomicU8 = AtomicU8::new(0);
        let lookups = SharedLookups::by(|_| {
            async {
                if ASKED.fetch_add(1, Ordering::Relaxed) == 0 {
                    std::future::pending::<()>().await;
                }
                Ok(vec![IpAddr::from([10, 0, 0, 1])])
            }
            .boxed()
        });
        let lost = tokio::spawn({
            let lookups = lookups.clone();
            async move { lookups.resolve_dns("kms").await }
        });
        tokio::time::sleep(SHARED_FOR / 2).await;
        let soon = tokio::time::timeout(SHARED_FOR, lookups.resolve_dns("kms")).await;
        assert!(soon.is_err(), "the two share a lookup");
        assert!(!lost.is_finished());
        let later = tokio::time::timeout(SHARED_FOR, lookups.resolve_dns("kms")).await;
        assert_eq!(later.unwrap().unwrap(), [IpAddr::from([10, 0, 0, 1])]);
        lost.abort();
    }

    #[tokio::test]
    async fn the_system_is_asked() {
        let lookups = SharedLookups::default();
        let addresses = lookups.resolve_dns("localhost").await.unwrap();
        assert!(addresses.iter().all(IpAddr::is_loopback) && !addresses.is_empty());
        // Reserved for names that do not exist (RFC 6761).
        let error = lookups.resolve_dns("kms.invalid").await.unwrap_err();
        assert!(crate::error::chain(&error).starts_with("failed to perform DNS lookup: "));
    }
}
