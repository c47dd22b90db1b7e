//! Certificates for a run: an authority, one that it trusts, and a server's, as with AWS.
//!
//! They are ECDSA on P-256, where those of AWS are mostly RSA with 2,048 bits: `rcgen` makes no RSA keys with ring. To
//! check an RSA signature costs a client less, so that connections are dearer here than they are with AWS.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::ServerConfig;
use rustls::pki_types::PrivatePkcs8KeyDer;

/// The name under which the services are reached. It is looked up like any other.
pub(crate) const HOST: &str = "localhost";

/// Where distributions keep the certificates that they trust, and in one file.
const SYSTEM_BUNDLES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// Why there are no certificates.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsError {
    #[error("failed to make a certificate")]
    Certificate(#[from] rcgen::Error),
    #[error("failed to set up TLS")]
    Tls(#[from] rustls::Error),
}

/// What the stub shows, and what its clients have to trust.
#[derive(Debug)]
pub(crate) struct Certificates {
    pub(crate) server: Arc<ServerConfig>,
    authority: String,
}

impl Certificates {
    pub(crate) fn new() -> Result<Self, TlsError> {
        let root_key = KeyPair::generate()?;
        let root = authority("bench root")?;
        let authority_pem = root.self_signed(&root_key)?.pem();
        let root = Issuer::new(root, root_key);

        let between_key = KeyPair::generate()?;
        let between = authority("bench intermediate")?;
        let between_certificate = between.signed_by(&between_key, &root)?;
        let between = Issuer::new(between, between_key);

        let key = KeyPair::generate()?;
        let certificate = CertificateParams::new([HOST.to_owned()])?.signed_by(&key, &between)?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let server = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone(), between_certificate.der().clone()],
                PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
            )?;
        Ok(Self {
            server: Arc::new(server),
            authority: authority_pem,
        })
    }

    /// Writes the certificates of `bundle` and the stub's own to `file`: a trust store as large as that of a function.
    pub(crate) fn trust(&self, bundle: Option<&Path>, file: &Path) -> io::Result<()> {
        let mut text = bundle.map_or_else(|| Ok(String::new()), fs::read_to_string)?;
        text.push('\n');
        text.push_str(&self.authority);
        fs::write(file, text)
    }
}

fn authority(name: &str) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

/// The certificates that this machine trusts.
pub(crate) fn system_bundle() -> Option<PathBuf> {
    let mut files = SYSTEM_BUNDLES.iter().map(PathBuf::from);
    files.find(|file| file.is_file())
}
