//! A custom key store.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{key::StoreLink, names::Origin};

/// How long connecting takes: "as long as 20 minutes" for a cluster (KMS Developer Guide, "Connect an AWS CloudHSM key
/// store"), a moment for an external key manager.
const CLUSTER_CONNECTS: SignedDuration = SignedDuration::from_mins(20);
const PROXY_CONNECTS: SignedDuration = SignedDuration::from_secs(30);

/// A custom key store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyStore {
    pub(super) id: String,
    pub(super) name: String,
    /// `None`: the simulator's own.
    pub(super) region: Option<String>,
    pub(super) created: Option<Timestamp>,
    pub(super) kind: Kind,
    pub(super) connection: Connection,
    /// What the next attempts to connect end with; `None`: they succeed.
    pub(super) fails_with: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    CloudHsm {
        cluster: String,
        certificate: String,
    },
    External {
        /// `XksProxyConfiguration`, as it is answered.
        proxy: Value,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Connection {
    Connected,
    /// Until then.
    Connecting(Timestamp),
    /// With this `ConnectionErrorCode`.
    Failed(String),
    Disconnected,
}

impl Connection {
    pub(super) fn as_str(&self) -> &'static str {
        match self {
            Self::Connected => "CONNECTED",
            Self::Connecting(_) => "CONNECTING",
            Self::Failed(_) => "FAILED",
            Self::Disconnected => "DISCONNECTED",
        }
    }
}

impl KeyStore {
    pub(super) fn new(id: &str, kind: Kind) -> Self {
        Self {
            id: id.to_owned(),
            name: id.to_owned(),
            region: None,
            created: None,
            kind,
            connection: Connection::Connected,
            fails_with: None,
        }
    }

    /// A connected AWS CloudHSM key store (`cks-…`) on a cluster (`cluster-…`).
    #[must_use]
    pub fn cloud_hsm(id: &str, cluster: &str) -> Self {
        let kind = Kind::CloudHsm {
            cluster: cluster.to_owned(),
            certificate: "-----BEGIN CERTIFICATE-----".to_owned(),
        };
        Self::new(id, kind)
    }

    /// A connected external key store.
    #[must_use]
    pub fn external(id: &str) -> Self {
        let proxy = json!({
            "Connectivity": "PUBLIC_ENDPOINT",
            "AccessKeyId": "ABCDE12345670EXAMPLE",
            "UriEndpoint": "https://xks.example.com",
            "UriPath": "/kms/xks/v1",
        });
        Self::new(id, Kind::External { proxy })
    }

    /// With this name; without it, the name is the id.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// In this Region instead of the simulator's own.
    #[must_use]
    pub fn in_region(mut self, region: &str) -> Self {
        self.region = Some(region.to_owned());
        self
    }

    /// Not connected to begin with.
    #[must_use]
    pub fn disconnected(mut self) -> Self {
        self.connection = Connection::Disconnected;
        self
    }

    pub(super) fn origin(&self) -> Origin {
        match self.kind {
            Kind::CloudHsm { .. } => Origin::AwsCloudHsm,
            Kind::External { .. } => Origin::ExternalKeyStore,
        }
    }

    /// How long an attempt to connect takes.
    pub(super) fn connects_within(&self) -> SignedDuration {
        match self.kind {
            Kind::CloudHsm { .. } => CLUSTER_CONNECTS,
            Kind::External { .. } => PROXY_CONNECTS,
        }
    }

    /// The link a key of this store keeps.
    pub(super) fn link(&self, xks_key: Option<&str>) -> (Origin, StoreLink) {
        let cluster = match &self.kind {
            Kind::CloudHsm { cluster, .. } => Some(cluster.clone()),
            Kind::External { .. } => None,
        };
        let link = StoreLink {
            id: self.id.clone(),
            cluster,
            xks_key: xks_key.map(str::to_owned),
            connected: self.connection == Connection::Connected,
        };
        (self.origin(), link)
    }
}
