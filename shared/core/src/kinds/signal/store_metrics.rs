//! The metrics of custom key stores: what each means, what breaks, what to do.

use super::unit::Unit;

/// A metric of custom key stores: what it means, what breaks, what to do.
#[derive(Debug, PartialEq, Eq)]
pub struct StoreMetric {
    /// Its name in CloudWatch.
    pub name: &'static str,
    /// What it counts.
    pub unit: Unit,
    /// What it is about.
    pub noun: &'static str,
    /// Title: before the key store's name, after it, and after it with the value in between.
    pub title: [&'static str; 2],
    /// The end of the title where the value is known: before the value, and after it.
    pub with_value: [&'static str; 2],
    /// What breaks, and when.
    pub breaks: &'static str,
    /// What to do, most urgent first.
    pub advice: &'static [&'static str],
    /// A command for the last advice, for one key store.
    pub command: Option<&'static str>,
}

/// The metric of how long KMS has used the same credential with an external key store's proxy.
pub(super) const CREDENTIAL_AGE: &str = "XksProxyCredentialAge";

const SPREAD_LOAD: &str =
    "Find in CloudTrail who sends the most requests; cache data keys, or use more key stores";

/// The metrics of custom key stores (KMS Developer Guide, monitoring external key stores; KMS metrics and dimensions).
pub static STORE_METRICS: [StoreMetric; 7] = [
    StoreMetric {
        name: "XksProxyCertificateDaysToExpire",
        unit: Unit::Days,
        noun: "proxy certificate",
        title: ["The proxy certificate of ", " expires soon"],
        with_value: [" expires in ", ""],
        breaks: "After the expiry, KMS rejects the proxy, and every cryptographic operation with the keys in the store fails.",
        advice: &["Renew the TLS certificate on the external key store's proxy, for the same name"],
        command: None,
    },
    StoreMetric {
        name: CREDENTIAL_AGE,
        unit: Unit::Days,
        noun: "proxy credential",
        title: ["The proxy credential of ", " is old"],
        with_value: [" is ", " old"],
        breaks: "Nothing fails, but KMS never rotates this credential: anybody who obtained it can use the proxy until it changes.",
        advice: &[
            "Create a new credential on the proxy of the external key store, and keep the old one valid for now",
            "Give KMS the new credential, then remove the old one from the proxy",
        ],
        command: Some(
            "update-custom-key-store --xks-proxy-authentication-credential file://credential.json",
        ),
    },
    StoreMetric {
        name: "XksProxyErrors",
        unit: Unit::Count,
        noun: "errors of the proxy",
        title: ["The proxy of ", " answers with errors"],
        with_value: [" answers with errors (", ")"],
        breaks: "Cryptographic operations with the keys in the store fail, or are slow because KMS retries.",
        advice: &[
            "Retryable errors: check the load of the proxy and the network between KMS and the proxy",
            "Non-retryable errors: check the configuration of the proxy and the external key manager",
        ],
        command: None,
    },
    StoreMetric {
        name: "XksProxyLatency",
        unit: Unit::Milliseconds,
        noun: "latency of the proxy",
        title: ["The proxy of ", " answers slowly"],
        with_value: [" answers slowly (", ")"],
        breaks: "KMS waits 250 ms for an answer and retries once; then the cryptographic operation fails.",
        advice: &["Check the proxy, the network and the external key manager behind the proxy"],
        command: None,
    },
    StoreMetric {
        name: "XksExternalKeyManagerStates",
        unit: Unit::Count,
        noun: "external key manager",
        title: ["The external key manager of ", " is impaired"],
        with_value: [" is impaired (instances: ", ")"],
        breaks: "The keys in the store work while other instances are Active. Without any, every cryptographic operation fails.",
        advice: &["Ask the operators of the external key manager to check its instances"],
        command: None,
    },
    StoreMetric {
        name: "ExternalKeyStoreThrottle",
        unit: Unit::Count,
        noun: "throttled requests",
        title: ["Requests to ", " are throttled"],
        with_value: [" are throttled (", ")"],
        breaks: "KMS throttles cryptographic operations with the keys in the store above their request quota. Callers that do \
                 not retry fail.",
        advice: &[SPREAD_LOAD],
        command: None,
    },
    StoreMetric {
        name: "CloudHSMKeyStoreThrottle",
        unit: Unit::Count,
        noun: "throttled requests",
        title: ["Requests to ", " are throttled"],
        with_value: [" are throttled (", ")"],
        breaks: "KMS or the CloudHSM cluster throttles cryptographic operations with the keys in the store. Callers that do \
                 not retry fail.",
        advice: &[
            "If the cluster is at its limit, add HSMs to it",
            SPREAD_LOAD,
        ],
        command: None,
    },
];
